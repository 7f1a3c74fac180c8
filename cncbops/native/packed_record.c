#include "packed_record.h"

#include "record_json.h"

static PyObject *no_function;

Common *record_common_of(PyObject *make, PyObject *object, PyObject *shard, PyObject *name)
{
    return common_of(make, object, shard, no_function, name, false);
}

static RecordTexts json_of(const Packed *one)
{
    const Common *common = one->common;
    return (RecordTexts){packed_text(one, KEY_TEXT), packed_text(one, SEQUENCE_TEXT), common->group_text,
                         packed_text(one, OWN_TEXT), packed_text(one, BODY_TEXT),
                         {PyBytes_AS_STRING(common->own), PyBytes_GET_SIZE(common->own)}};
}

PyObject *packed_record_of(Common *common, const RecordParts *parts)
{
    char buffer[LONGEST_SECONDS];
    Parts head = parts->head;
    head.own = write_seconds(parts->arrival_ms, buffer);
    Packed *one = head.own.start ? packed_make(&packed_record_type, common, &head) : NULL;
    if (!one)
        return NULL;
    RecordTexts json = json_of(one);
    one->size = record_json_size(&json);
    return (PyObject *)one;
}

bool packed_record_is_sound(const Packed *one)
{
    RecordTexts json = json_of(one);
    return one->size == record_json_size(&json);
}

char *packed_record_write(char *to, const Packed *one)
{
    RecordTexts json = json_of(one);
    return record_json_write(to, &json);
}

static PyObject *get_body(Packed *one, void *Py_UNUSED(closure))
{
    PyObject *json = PyBytes_FromStringAndSize(NULL, one->size);
    if (json)
        packed_record_write(PyBytes_AS_STRING(json), one);
    return json;
}

static PyObject *reduce(Packed *one, PyObject *Py_UNUSED(none))
{
    return Py_BuildValue("O(NNNNOnnOL)", one->common->make, get_body(one, NULL), packed_text_object(one, KEY_TEXT),
                         packed_text_object(one, SEQUENCE_TEXT), packed_text_object(one, ID_TEXT), one->common->object,
                         one->line, one->part, one->common->group, one->place);
}

bool prepare_packed_records(void)
{
    return (no_function = PyUnicode_InternFromString("")) && PyType_Ready(&packed_record_type) == 0;
}

static PyMethodDef methods[] = {
    {"__reduce__", (PyCFunction)reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef attributes[] = {
    {"body", (getter)get_body, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject packed_record_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "cncbops.native.hot.PackedRecord",
    .tp_base = &packed_type,
    .tp_basicsize = sizeof(Packed),
    .tp_itemsize = 1,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_methods = methods,
    .tp_getset = attributes,
};
