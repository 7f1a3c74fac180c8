#include "packed_unit.h"

/* Its own text is the failed event's type. */
typedef struct {
    Packed head;
    Digests digests;
    long long time_ms;
    bool has_id;
} PackedUnit;

/* What is taken of a Cause, and of Unit. */
static PyObject *fingerprint_name, *pipeline_name, *traces_name;

static PyObject *source;

bool are_packed_units(PyObject *records)
{
    for (Py_ssize_t at = 0; at < PyTuple_GET_SIZE(records); at++)
        if (!is_packed_unit(PyTuple_GET_ITEM(records, at)))
            return false;
    return true;
}

PyObject *packed_units_of(PyObject *given)
{
    PyObject *units = PySequence_Tuple(given);
    if (units && !are_packed_units(units)) {
        PyErr_SetString(PyExc_TypeError, "a unit that is not packed");
        Py_CLEAR(units);
    }
    return units;
}

Text packed_unit_type_of(const Packed *one)
{
    return packed_text(one, OWN_TEXT);
}

long long packed_unit_time(const Packed *one)
{
    return ((const PackedUnit *)one)->time_ms;
}

Text packed_unit_fault_id(const Packed *one)
{
    return ((const PackedUnit *)one)->has_id ? packed_text(one, ID_TEXT) : (Text){NULL, 0};
}

Text packed_unit_message(const Packed *one)
{
    return packed_text(one, MESSAGE_TEXT);
}

const Digests *packed_unit_digests(const Packed *one)
{
    return &((const PackedUnit *)one)->digests;
}

PyObject *packed_unit_of(Common *common, const UnitParts *parts)
{
    Packed *one = packed_make(&packed_unit_type, common, &parts->head);
    if (!one)
        return NULL;
    PackedUnit *unit = (PackedUnit *)one;
    unit->digests = parts->digests;
    unit->time_ms = parts->time_ms;
    unit->has_id = parts->has_id;
    one->size = parts->head.body.length;
    return (PyObject *)one;
}

bool packed_unit_is_sound(const Packed *one)
{
    return one->size == packed_text(one, BODY_TEXT).length;
}

char *packed_unit_write(char *to, const Packed *one)
{
    return text_put(to, packed_text(one, BODY_TEXT));
}

static PyObject *get_body(Packed *one, void *Py_UNUSED(closure))
{
    Text body = packed_text(one, BODY_TEXT);
    return PyBytes_FromStringAndSize(body.start, body.length);
}

static PyObject *in_tuple(PyObject *only)
{
    return only ? Py_BuildValue("(N)", only) : NULL;
}

static PyObject *get_keys(Packed *one, void *Py_UNUSED(closure))
{
    return in_tuple(packed_text_object(one, KEY_TEXT));
}

static PyObject *get_names(Packed *one, void *Py_UNUSED(closure))
{
    return in_tuple(packed_text_object(one, SEQUENCE_TEXT));
}

static PyObject *digest_made(const unsigned char *digest)
{
    return PyBytes_FromStringAndSize((const char *)digest, DIGEST_BYTES);
}

static PyObject *get_fault(Packed *one, void *Py_UNUSED(closure))
{
    return digest_made(packed_unit_digests(one)->fault);
}

static PyObject *get_records(Packed *one, void *Py_UNUSED(closure))
{
    return in_tuple(digest_made(packed_unit_digests(one)->record));
}

static PyObject *get_source(Packed *Py_UNUSED(one), void *Py_UNUSED(closure))
{
    return Py_NewRef(source);
}

static PyObject *get_fingerprint(Packed *one, void *Py_UNUSED(closure))
{
    return PyObject_GetAttr(one->common->own, fingerprint_name);
}

static PyObject *get_pipeline(Packed *one, void *Py_UNUSED(closure))
{
    return PyObject_GetAttr(one->common->own, pipeline_name);
}

PyObject *packed_unit_group(const Packed *one)
{
    PyObject *fingerprint = get_fingerprint((Packed *)one, NULL);
    PyObject *pipeline = fingerprint ? get_pipeline((Packed *)one, NULL) : NULL;
    PyObject *group = pipeline ? PyTuple_Pack(2, fingerprint, pipeline) : NULL;
    Py_XDECREF(fingerprint);
    Py_XDECREF(pipeline);
    return group;
}

/* The class method of Unit. */
static PyObject *get_traces(Packed *one, void *Py_UNUSED(closure))
{
    return PyObject_GetAttr(one->common->make, traces_name);
}

/* Its key and sequence number are each one text in two places: pickled once. */
static PyObject *reduced(Packed *one, PyObject *key, PyObject *sequence)
{
    const Common *common = one->common;
    PyObject *group = packed_unit_group(one);
    if (!group)
        return NULL;
    PyObject *call = Py_BuildValue(
        "O(NOONOnnOLOiOOO(O)(O)ONNOO)", common->make, get_body(one, NULL), key, sequence,
        packed_text_object(one, ID_TEXT), common->object, one->line, one->part, common->group, one->place,
        common->function, 1, common->is_alone ? Py_True : Py_False, Py_False, Py_False, key, sequence, source,
        get_fault(one, NULL), get_records(one, NULL), PyTuple_GET_ITEM(group, 0), PyTuple_GET_ITEM(group, 1));
    Py_DECREF(group);
    return call;
}

static PyObject *reduce(Packed *one, PyObject *Py_UNUSED(none))
{
    PyObject *key = packed_text_object(one, KEY_TEXT);
    PyObject *sequence = key ? packed_text_object(one, SEQUENCE_TEXT) : NULL;
    PyObject *result = sequence ? reduced(one, key, sequence) : NULL;
    Py_XDECREF(key);
    Py_XDECREF(sequence);
    return result;
}

bool prepare_packed_units(void)
{
    return (fingerprint_name = PyUnicode_InternFromString("fingerprint")) &&
           (pipeline_name = PyUnicode_InternFromString("pipeline")) &&
           (traces_name = PyUnicode_InternFromString("traces")) &&
           (source = PyUnicode_InternFromString("kinesis")) && PyType_Ready(&packed_unit_type) == 0;
}

static PyMethodDef methods[] = {
    {"__reduce__", (PyCFunction)reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef attributes[] = {
    {"body", (getter)get_body, NULL, NULL, NULL},
    {"keys", (getter)get_keys, NULL, NULL, NULL},
    {"names", (getter)get_names, NULL, NULL, NULL},
    {"source", (getter)get_source, NULL, NULL, NULL},
    {"fault", (getter)get_fault, NULL, NULL, NULL},
    {"records", (getter)get_records, NULL, NULL, NULL},
    {"fingerprint", (getter)get_fingerprint, NULL, NULL, NULL},
    {"pipeline", (getter)get_pipeline, NULL, NULL, NULL},
    {"traces", (getter)get_traces, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject packed_unit_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "cncbops.native.hot.PackedUnit",
    .tp_base = &packed_type,
    .tp_basicsize = sizeof(PackedUnit),
    .tp_itemsize = 1,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_methods = methods,
    .tp_getset = attributes,
};
