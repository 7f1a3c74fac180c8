/* From events to records: for many what `cncbops.kinesis.record` does for each. */

#include "native.h"

#include "json.h"
#include "unwritten.h"

/* What is taken of an event. */
enum { KEY, SEQUENCE, SHARD, DATA, ARRIVAL, ID, LINE, PART, ATTRIBUTES };

static const char *const NAMES[ATTRIBUTES] = {"partition_key", "sequence_number", "shard_id", "data",
                                              "arrival_ms", "event_id", "line", "part"};
static PyObject *attribute_names[ATTRIBUTES];

bool prepare_records(void)
{
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

/* Takes a text that stands in JSON as it is; false with an exception set, or not, where it is no such text. */
static bool take_text(Text *text, PyObject *object)
{
    if (!PyUnicode_Check(object))
        return false;
    text->start = PyUnicode_AsUTF8AndSize(object, &text->length);
    return text->start && json_is_plain(text->start, text->length);
}

static bool take_time(long long *ms, PyObject *object)
{
    int overflow;
    if (!PyLong_Check(object))
        return false;
    *ms = PyLong_AsLongLongAndOverflow(object, &overflow);
    return !overflow;
}

/* NULL with an exception set, or not where it is not usual. */
static PyObject *body_in(PyObject *const *of_event, PyObject *name)
{
    Parts parts = {.name = name};
    Py_buffer data;
    if (!take_text(&parts.key, of_event[KEY]) || !take_text(&parts.sequence, of_event[SEQUENCE]) ||
        !take_text(&parts.shard, of_event[SHARD]) || !take_time(&parts.arrival_ms, of_event[ARRIVAL]) ||
        PyObject_GetBuffer(of_event[DATA], &data, PyBUF_SIMPLE) < 0)
        return NULL;
    parts.event = (Text){data.buf, data.len};
    PyObject *body = unwritten_of(&parts);
    PyBuffer_Release(&data);
    return body;
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
        body = body_in(of_event, name);
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
        PyObject *name = PyTuple_GET_ITEM(names, at);
        PyObject *record = PyBytes_Check(name) ? record_of(common, PyTuple_GET_ITEM(events, at),
                                                           PyTuple_GET_ITEM(places, at), name)
                                               : PyErr_Format(PyExc_TypeError, "a name is bytes");
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
