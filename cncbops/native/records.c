/* From events to records, the JSON of each written at one go: for many what `cncbops.kinesis.record` does for each. */

#include "native.h"

#include <string.h>

#include "base64.h"
#include "json.h"

/* In this range msgspec writes seconds with a decimal point and no exponent, and milliseconds are exact in them. */
#define SHORTEST_MS 1000LL
#define LONGEST_MS 999999999999999LL
#define LONGEST_SECONDS 24

/* What is taken of an event: first what its JSON holds. */
enum { KEY, SEQUENCE, SHARD, ARRIVAL, DATA, ID, LINE, PART, ATTRIBUTES };

static const char *const NAMES[ATTRIBUTES] = {"partition_key", "sequence_number", "shard_id", "arrival_ms",
                                              "data", "event_id", "line", "part"};
static PyObject *attribute_names[ATTRIBUTES];

typedef struct {
    const char *text;
    Py_ssize_t length;
} Piece;

#define LITERAL(text) {text, sizeof(text) - 1}

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

/* A text that stands in JSON as it is. */
static bool plain(PyObject *object, Piece *piece)
{
    if (!PyUnicode_Check(object))
        return false;
    piece->text = PyUnicode_AsUTF8AndSize(object, &piece->length);
    return piece->text && json_is_plain(piece->text, piece->length);
}

/* Milliseconds as seconds, as short as they can be written: `1523159608.5`. Fills a buffer from its end. */
static bool seconds(PyObject *milliseconds, char *buffer, Piece *piece)
{
    int overflow;
    if (!PyLong_Check(milliseconds))
        return false;
    long long ms = PyLong_AsLongLongAndOverflow(milliseconds, &overflow);
    if (overflow || ms < SHORTEST_MS || ms > LONGEST_MS)
        return false;
    char *start = buffer + LONGEST_SECONDS, *end = start;
    for (int decimals = 3; ms; decimals--, ms /= 10) {
        if (decimals == 0)
            *--start = '.';
        *--start = (char)('0' + ms % 10);
        if (decimals > 1 && *start == '0' && start + 1 == end)
            end = start;
    }
    *piece = (Piece){start, end - start};
    return true;
}

static char *put(char *to, Piece piece)
{
    memcpy(to, piece.text, piece.length);
    return to + piece.length;
}

/* The JSON of `pieces`, with the base64 of `data` before one of them. */
static PyObject *joined(const Piece *pieces, int count, int before, const Py_buffer *data)
{
    Py_ssize_t length = (Py_ssize_t)base64_length(data->len);
    for (int at = 0; at < count; at++)
        length += pieces[at].length;
    PyObject *json = PyBytes_FromStringAndSize(NULL, length);
    if (!json)
        return NULL;
    char *to = PyBytes_AS_STRING(json);
    for (int at = 0; at < count; at++) {
        if (at == before)
            to = base64_write(to, data->buf, data->len);
        to = put(to, pieces[at]);
    }
    return json;
}

static PyObject *json_of(PyObject *const *event, const Py_buffer *name, const Py_buffer *data)
{
    Piece key, sequence, shard, arrival;
    char buffer[LONGEST_SECONDS];
    if (!plain(event[KEY], &key) || !plain(event[SEQUENCE], &sequence) || !plain(event[SHARD], &shard) ||
        !seconds(event[ARRIVAL], buffer, &arrival))
        return NULL;
    enum { AFTER_DATA = 5 };
    const Piece pieces[] = {
        LITERAL("{\"kinesis\":{\"kinesisSchemaVersion\":\"1.0\",\"partitionKey\":\""), key,
        LITERAL("\",\"sequenceNumber\":\""), sequence, LITERAL("\",\"data\":\""),
        LITERAL("\",\"approximateArrivalTimestamp\":"), arrival,
        LITERAL("},\"eventSource\":\"aws:kinesis\",\"eventVersion\":\"1.0\",\"eventID\":\""), shard, LITERAL(":"),
        sequence, LITERAL("\",\"eventName\":"), {name->buf, name->len}, LITERAL("}"),
    };
    return joined(pieces, COUNT(pieces), AFTER_DATA, data);
}

static PyObject *usual_body(PyObject *const *event, PyObject *name)
{
    Py_buffer names, data;
    if (PyObject_GetBuffer(name, &names, PyBUF_SIMPLE) < 0)
        return NULL;
    PyObject *json = NULL;
    if (PyObject_GetBuffer(event[DATA], &data, PyBUF_SIMPLE) == 0) {
        json = json_of(event, &names, &data);
        PyBuffer_Release(&data);
    }
    PyBuffer_Release(&names);
    return json;
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
        body = usual_body(of_event, name);
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
