/* From events to records: for many what `cncbops.kinesis.record` does for each. */

#include "native.h"

#include "json.h"
#include "packed_record.h"

/* What is taken of an event. */
enum { KEY, SEQUENCE, SHARD, DATA, ARRIVAL, ID, LINE, PART, ATTRIBUTES };

static const char *const NAMES[ATTRIBUTES] = {"partition_key", "sequence_number", "shard_id", "data",
                                              "arrival_ms", "event_id", "line", "part"};
static PyObject *attribute_names[ATTRIBUTES];

bool prepare_records(void)
{
    return intern_all(attribute_names, NAMES, ATTRIBUTES);
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

/* Takes an id, which may be None; false with an exception set, or not, where it cannot be written as UTF-8. */
static bool take_id(Text *text, PyObject *object)
{
    if (object == Py_None)
        return true;
    if (!PyUnicode_Check(object))
        return false;
    text->start = PyUnicode_AsUTF8AndSize(object, &text->length);
    if (!text->start && PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
        PyErr_Clear();
    return text->start;
}

static bool take_index(Py_ssize_t *index, PyObject *object)
{
    *index = PyLong_AsSsize_t(object);
    return *index != -1 || !PyErr_Occurred();
}

/* What all records of one call have in common, and those of one shard and name, which is the last that was met. */
typedef struct {
    PyObject *make;
    PyObject *body_of;
    PyObject *object;
    Common *last;
} Making;

static Common *common_for(Making *making, PyObject *shard, PyObject *name)
{
    if (making->last && making->last->group == shard && making->last->own == name)
        return making->last;
    common_release(making->last);
    making->last = record_common_of(making->make, making->object, shard, name);
    return making->last;
}

/* NULL with an exception set, or not where it is not usual. */
static PyObject *packed_in(Making *making, PyObject *const *of_event, long long place, PyObject *name)
{
    RecordParts parts = {.head = {.place = place}};
    Text shard;
    Py_buffer data;
    if (!take_text(&parts.head.key, of_event[KEY]) || !take_text(&parts.head.sequence, of_event[SEQUENCE]) ||
        !take_text(&shard, of_event[SHARD]) || !take_time(&parts.arrival_ms, of_event[ARRIVAL]) ||
        !take_id(&parts.head.id, of_event[ID]) || !take_index(&parts.head.line, of_event[LINE]) ||
        !take_index(&parts.head.part, of_event[PART]))
        return NULL;
    Common *common = common_for(making, of_event[SHARD], name);
    if (!common || PyObject_GetBuffer(of_event[DATA], &data, PyBUF_SIMPLE) < 0)
        return NULL;
    parts.head.body = (Text){data.buf, data.len};
    PyObject *record = packed_record_of(common, &parts);
    PyBuffer_Release(&data);
    return record;
}

/* A record as Python makes it. */
static PyObject *open_record(const Making *making, PyObject *event, PyObject *const *of_event, PyObject *place,
                             PyObject *name)
{
    PyObject *body = PyObject_CallFunctionObjArgs(making->body_of, event, name, NULL), *record = NULL;
    if (body) {
        PyObject *arguments[] = {body, of_event[KEY], of_event[SEQUENCE], of_event[ID], making->object,
                                 of_event[LINE], of_event[PART], of_event[SHARD], place};
        record = PyObject_Vectorcall(making->make, arguments, COUNT(arguments), NULL);
    }
    Py_XDECREF(body);
    return record;
}

static PyObject *record_of(Making *making, PyObject *event, PyObject *place, PyObject *name)
{
    PyObject *of_event[ATTRIBUTES] = {NULL}, *record = NULL;
    long long number = PyLong_AsLongLong(place);
    if (!PyErr_Occurred() && get_attributes(event, of_event)) {
        record = packed_in(making, of_event, number, name);
        if (!record && !PyErr_Occurred())
            record = open_record(making, event, of_event, place, name);
    }
    for (int at = 0; at < ATTRIBUTES; at++)
        Py_XDECREF(of_event[at]);
    return record;
}

/* The three are tuples of this call's own: `body_of` is Python, in which a caller's list may change. */
static PyObject *records_of(Making *making, PyObject *events, PyObject *places, PyObject *names)
{
    Py_ssize_t count = PyTuple_GET_SIZE(events);
    if (PyTuple_GET_SIZE(places) != count || PyTuple_GET_SIZE(names) != count)
        return PyErr_Format(PyExc_ValueError, "not as many places and names as events");
    PyObject *records = PyList_New(count);
    for (Py_ssize_t at = 0; records && at < count; at++) {
        PyObject *name = PyTuple_GET_ITEM(names, at);
        PyObject *record = PyBytes_Check(name) ? record_of(making, PyTuple_GET_ITEM(events, at),
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
    Making making = {arguments[0], arguments[1], arguments[4], NULL};
    PyObject *events = PySequence_Tuple(arguments[2]);
    PyObject *places = events ? PySequence_Tuple(arguments[3]) : NULL;
    PyObject *names = places ? PySequence_Tuple(arguments[5]) : NULL;
    PyObject *records = names ? records_of(&making, events, places, names) : NULL;
    Py_XDECREF(events);
    Py_XDECREF(places);
    Py_XDECREF(names);
    common_release(making.last);
    return records;
}
