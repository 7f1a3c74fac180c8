/* From events to records: for many what `cncbops.kinesis.record` does for each. */

#include "native.h"

#include "base64.h"
#include "unwritten.h"

/* What is taken of an event: first what its JSON holds. */
enum { ARRIVAL = DATA + 1, ID, LINE, PART, ATTRIBUTES };

static const char *const NAMES[ATTRIBUTES] = {"partition_key", "sequence_number", "shard_id", "data",
                                              "arrival_ms", "event_id", "line", "part"};
static PyObject *attribute_names[ATTRIBUTES];

bool prepare_records(void)
{
    base64_prepare();
    for (int at = 0; at < ATTRIBUTES; at++) {
        attribute_names[at] = PyUnicode_InternFromString(NAMES[at]);
        if (!attribute_names[at])
            return false;
    }
    return true;
}

static bool get_attributes(PyObject *object, PyObject **attributes)
{
    for (int at = 0; at < ATTRIBUTES; at++) {
        attributes[at] = PyObject_GetAttr(object, attribute_names[at]);
        if (!attributes[at])
            return false;
    }
    return true;
}

/* What all records of one call have in common. */
typedef struct {
    PyObject *type;
    PyObject *body_of;
    PyObject *object;
} Common;

static PyObject *record_of(const Common *common, PyObject *event, PyObject *place, PyObject *name)
{
    PyObject *of_event[ATTRIBUTES] = {NULL}, *body = NULL, *record = NULL;
    if (get_attributes(event, of_event)) {
        PyObject *const parts[PARTS] = {of_event[KEY], of_event[SEQUENCE], of_event[SHARD], of_event[DATA], name};
        body = unwritten_of(parts, of_event[ARRIVAL]);
        if (!body && !PyErr_Occurred())
            body = PyObject_CallFunctionObjArgs(common->body_of, event, name, NULL);
    }
    if (body) {
        PyObject *arguments[] = {body, of_event[KEY], of_event[SEQUENCE], of_event[ID], common->object,
                                 of_event[LINE], of_event[PART], of_event[SHARD], place};
        record = PyObject_Vectorcall(common->type, arguments, COUNT(arguments), NULL);
    }
    Py_XDECREF(body);
    for (int at = 0; at < ATTRIBUTES; at++)
        Py_XDECREF(of_event[at]);
    return record;
}

/* The three are tuples of this call's own: `body_of` is Python, in which a caller's list may change. */
static PyObject *records_of(const Common *common, PyObject *events, PyObject *places, PyObject *names)
{
    Py_ssize_t count = PyTuple_GET_SIZE(events);
    if (PyTuple_GET_SIZE(places) != count || PyTuple_GET_SIZE(names) != count)
        return PyErr_Format(PyExc_ValueError, "not as many places and names as events");
    PyObject *records = PyList_New(count);
    for (Py_ssize_t at = 0; records && at < count; at++) {
        PyObject *record = record_of(common, PyTuple_GET_ITEM(events, at), PyTuple_GET_ITEM(places, at),
                                     PyTuple_GET_ITEM(names, at));
        if (record)
            PyList_SET_ITEM(records, at, record);
        else
            Py_CLEAR(records);
    }
    return records;
}

PyObject *make_records(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    if (!has_arguments(count, 6))
        return NULL;
    Common common = {arguments[0], arguments[1], arguments[4]};
    PyObject *events = PySequence_Tuple(arguments[2]);
    PyObject *places = events ? PySequence_Tuple(arguments[3]) : NULL;
    PyObject *names = places ? PySequence_Tuple(arguments[5]) : NULL;
    PyObject *records = names ? records_of(&common, events, places, names) : NULL;
    Py_XDECREF(events);
    Py_XDECREF(places);
    Py_XDECREF(names);
    return records;
}
