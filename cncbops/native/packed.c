#include "packed.h"

#include <structmember.h>

#define NO_ID (-1)

/* The texts lie one behind another: key, sequence number, id, arrival, event. An id that is none has length NO_ID. */
typedef struct {
    PyObject_VAR_HEAD
    Common *common;
    long long place;
    Py_ssize_t line, part, size;
    Py_ssize_t key_length, sequence_length, id_length, arrival_length;
    char texts[];
} Packed;

Common *common_of(PyObject *make, PyObject *object, PyObject *group, PyObject *name)
{
    Text shard;
    shard.start = PyUnicode_AsUTF8AndSize(group, &shard.length);
    Common *common = shard.start ? PyMem_Malloc(sizeof(*common)) : NULL;
    if (common)
        *common = (Common){1, Py_NewRef(make), Py_NewRef(object), Py_NewRef(group), Py_NewRef(name), shard};
    else if (shard.start)
        PyErr_NoMemory();
    return common;
}

void common_release(Common *common)
{
    if (!common || --common->holders)
        return;
    Py_DECREF(common->make);
    Py_DECREF(common->object);
    Py_DECREF(common->group);
    Py_DECREF(common->name);
    PyMem_Free(common);
}

/* Where the texts of one lie. */

static Text key_of(const Packed *one)
{
    return (Text){one->texts, one->key_length};
}

static Text sequence_of(const Packed *one)
{
    return (Text){one->texts + one->key_length, one->sequence_length};
}

static Text id_of(const Packed *one)
{
    Text before = sequence_of(one);
    bool is_there = one->id_length != NO_ID;
    return (Text){is_there ? before.start + before.length : NULL, is_there ? one->id_length : 0};
}

static RecordTexts json_of(const Packed *one)
{
    Text key = key_of(one), sequence = sequence_of(one);
    Text arrival = {sequence.start + sequence.length + id_of(one).length, one->arrival_length};
    const char *event = arrival.start + arrival.length, *end = one->texts + Py_SIZE(one);
    PyObject *name = one->common->name;
    return (RecordTexts){key, sequence, one->common->shard, arrival, {event, end - event},
                         {PyBytes_AS_STRING(name), PyBytes_GET_SIZE(name)}};
}

PyObject *packed_of(Common *common, const Parts *parts)
{
    char buffer[LONGEST_SECONDS];
    const Text arrival = write_seconds(parts->arrival_ms, buffer);
    const Text texts[] = {parts->key, parts->sequence, parts->id, arrival, parts->event};
    Py_ssize_t length = 0;
    for (size_t at = 0; at < COUNT(texts); at++)
        length += texts[at].length;
    Packed *one = arrival.start ? PyObject_NewVar(Packed, &packed_type, length) : NULL;
    if (!one)
        return NULL;
    common->holders++;
    one->common = common;
    one->place = parts->place;
    one->line = parts->line;
    one->part = parts->part;
    one->key_length = parts->key.length;
    one->sequence_length = parts->sequence.length;
    one->id_length = parts->id.start ? parts->id.length : NO_ID;
    one->arrival_length = arrival.length;
    char *to = one->texts;
    for (size_t at = 0; at < COUNT(texts); at++)
        to = texts[at].length ? text_put(to, texts[at]) : to;
    RecordTexts json = json_of(one);
    one->size = record_json_size(&json);
    return (PyObject *)one;
}

static void dealloc(Packed *one)
{
    common_release(one->common);
    PyObject_Free(one);
}

Py_ssize_t packed_size(PyObject *record)
{
    return ((Packed *)record)->size;
}

char *packed_write(char *to, PyObject *record)
{
    RecordTexts json = json_of((Packed *)record);
    return record_json_write(to, &json);
}

long long packed_place(PyObject *record)
{
    return ((Packed *)record)->place;
}

static PyObject *text_made(Text text)
{
    return PyUnicode_DecodeUTF8(text.start, text.length, NULL);
}

PyObject *packed_key(PyObject *record)
{
    return text_made(key_of((Packed *)record));
}

PyObject *packed_group(PyObject *record)
{
    return Py_NewRef(((Packed *)record)->common->group);
}

static PyObject *get_key(PyObject *record, void *Py_UNUSED(closure))
{
    return packed_key(record);
}

static PyObject *get_group(PyObject *record, void *Py_UNUSED(closure))
{
    return packed_group(record);
}

static PyObject *get_sequence(Packed *one, void *Py_UNUSED(closure))
{
    return text_made(sequence_of(one));
}

static PyObject *get_id(Packed *one, void *Py_UNUSED(closure))
{
    return one->id_length == NO_ID ? Py_NewRef(Py_None) : text_made(id_of(one));
}

static PyObject *get_object(Packed *one, void *Py_UNUSED(closure))
{
    return Py_NewRef(one->common->object);
}

static PyObject *get_body(PyObject *record, void *Py_UNUSED(closure))
{
    PyObject *json = PyBytes_FromStringAndSize(NULL, packed_size(record));
    if (json)
        packed_write(PyBytes_AS_STRING(json), record);
    return json;
}

static PyObject *arguments_of(Packed *one)
{
    return Py_BuildValue("NNNNOnnOL", get_body((PyObject *)one, NULL), packed_key((PyObject *)one),
                         get_sequence(one, NULL), get_id(one, NULL), one->common->object, one->line, one->part,
                         one->common->group, one->place);
}

/* The Record that it stands for. */
static PyObject *unpacked(Packed *one)
{
    PyObject *arguments = arguments_of(one);
    PyObject *record = arguments ? PyObject_CallObject(one->common->make, arguments) : NULL;
    Py_XDECREF(arguments);
    return record;
}

/* It is sent between processes as that. */
static PyObject *reduce(Packed *one, PyObject *Py_UNUSED(none))
{
    return Py_BuildValue("ON", one->common->make, arguments_of(one));
}

/* What is asked of it more seldom, the Record tells. */
static PyObject *get_attribute(PyObject *record, PyObject *name)
{
    PyObject *found = PyObject_GenericGetAttr(record, name);
    if (found || !PyErr_ExceptionMatches(PyExc_AttributeError))
        return found;
    PyErr_Clear();
    PyObject *open = unpacked((Packed *)record);
    found = open ? PyObject_GetAttr(open, name) : NULL;
    Py_XDECREF(open);
    return found;
}

static PyObject *compare(PyObject *one, PyObject *other, int operation)
{
    PyObject *left = unpacked((Packed *)one), *right = NULL, *result = NULL;
    if (left)
        right = Py_TYPE(other) == &packed_type ? unpacked((Packed *)other) : Py_NewRef(other);
    if (right)
        result = PyObject_RichCompare(left, right, operation);
    Py_XDECREF(left);
    Py_XDECREF(right);
    return result;
}

static PyObject *represent(Packed *one)
{
    PyObject *open = unpacked(one), *text = open ? PyObject_Repr(open) : NULL;
    Py_XDECREF(open);
    return text;
}

/* The same for all of them. */
static bool set_common_attributes(PyObject *type_dictionary)
{
    PyObject *one = PyLong_FromLong(1), *no_function = PyUnicode_InternFromString("");
    bool is_set = one && no_function && PyDict_SetItemString(type_dictionary, "weight", one) == 0 &&
                  PyDict_SetItemString(type_dictionary, "function", no_function) == 0;
    static const char *const FALSE_ONES[] = {"is_alone", "is_event", "has_many_keys"};
    for (size_t at = 0; is_set && at < COUNT(FALSE_ONES); at++)
        is_set = PyDict_SetItemString(type_dictionary, FALSE_ONES[at], Py_False) == 0;
    Py_XDECREF(one);
    Py_XDECREF(no_function);
    return is_set;
}

bool prepare_packed(void)
{
    return PyType_Ready(&packed_type) == 0 && set_common_attributes(packed_type.tp_dict);
}

static PyMethodDef methods[] = {
    {"__reduce__", (PyCFunction)reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef members[] = {
    {"place", T_LONGLONG, offsetof(Packed, place), READONLY, NULL},
    {"line", T_PYSSIZET, offsetof(Packed, line), READONLY, NULL},
    {"part", T_PYSSIZET, offsetof(Packed, part), READONLY, NULL},
    {"size", T_PYSSIZET, offsetof(Packed, size), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef attributes[] = {
    {"body", get_body, NULL, NULL, NULL},
    {"partition_key", get_key, NULL, NULL, NULL},
    {"sequence_number", (getter)get_sequence, NULL, NULL, NULL},
    {"event_id", (getter)get_id, NULL, NULL, NULL},
    {"object", (getter)get_object, NULL, NULL, NULL},
    {"group", get_group, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject packed_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "cncbops.native.hot.Packed",
    .tp_basicsize = offsetof(Packed, texts),
    .tp_itemsize = 1,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = (destructor)dealloc,
    .tp_getattro = get_attribute,
    .tp_repr = (reprfunc)represent,
    .tp_hash = PyObject_HashNotImplemented,
    .tp_richcompare = compare,
    .tp_methods = methods,
    .tp_members = members,
    .tp_getset = attributes,
};
