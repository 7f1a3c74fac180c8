/* From lines to their events: for many at a time what `read` of a format in `cncbops.formats` does for each. */

#include "native.h"

#include <string.h>

#include "json.h"

/* No arrival is later: the end of the year 9999, as in `cncbops.formats.timestamp`. */
#define LATEST_MS 253402300799999LL
#define LONGEST_TIME 15

#define MEMBER(name) {name, sizeof(name) - 1, NULL, 0, NULL, NULL}
#define OBJECT(name, inner) {name, sizeof(name) - 1, inner, COUNT(inner), NULL, NULL}

/* What selection and reports look at of an event. */
#define HEAD {MEMBER("id"), MEMBER("type"), MEMBER("timestamp"), MEMBER("partitionKey")}
enum { HEAD_ID, HEAD_TYPE, HEAD_TIMESTAMP, HEAD_KEY };

/* The arguments of LakeEvent, in its order. */
enum { DATA, LINE, PART, ID, TYPE, TIMESTAMP, KEY, SEQUENCE, SHARD, ARRIVAL, REGION, ACCOUNT, STREAM, SOURCE,
       ARGUMENTS };

/* A line: `number` from 1, text from `start` to before `end`, where its newline is, or the end of all. */
typedef struct {
    Py_ssize_t number;
    const char *start;
    const char *end;
} Line;

/* Reads a line into the arguments that its event has beyond DATA, LINE and PART; what it leaves NULL is None. `last`
   are those of an earlier line, or NULL. Returns where the event's text begins and ends, or false. */
typedef bool (*Read)(Line line, PyObject **made, PyObject *const *last, Field *event);

static bool is_there(const Field *field)
{
    return field->start;
}

static bool is_object(const Field *field)
{
    return is_there(field) && *field->start == '{';
}

/* A text without escapes that is not empty; the one given where it is the same, as most are on line after line. */
static PyObject *text(const Field *field, PyObject *known)
{
    const char *start = field->start + 1;
    Py_ssize_t length = field->end - start - 1;
    if (*field->start != '"' || length < 1)
        return NULL;
    if (known && PyUnicode_Check(known) && PyUnicode_IS_ASCII(known) && PyUnicode_GET_LENGTH(known) == length &&
        memcmp(PyUnicode_1BYTE_DATA(known), start, length) == 0)
        return Py_NewRef(known);
    return memchr(start, '\\', length) ? NULL : PyUnicode_DecodeUTF8(start, length, NULL);
}

/* Milliseconds in plain digits, no later than `latest`. */
static PyObject *milliseconds(const Field *field, long long latest)
{
    long long number = 0;
    if (field->end - field->start > LONGEST_TIME)
        return NULL;
    for (const char *at = field->start; at < field->end; at++) {
        if (*at < '0' || *at > '9')
            return NULL;
        number = number * 10 + (*at - '0');
    }
    return number > latest ? NULL : PyLong_FromLongLong(number);
}

/* Each of these sets an argument where its member is there; false where that is not usual. */

static bool set_text(PyObject **made, PyObject *const *last, int argument, const Field *field)
{
    if (is_there(field)) {
        Py_XSETREF(made[argument], text(field, made[argument] ? made[argument] : last[argument]));
        return made[argument];
    }
    return true;
}

static bool set_arrival(PyObject **made, const Field *field)
{
    if (is_there(field)) {
        Py_XSETREF(made[ARRIVAL], milliseconds(field, LATEST_MS));
        return made[ARRIVAL];
    }
    return true;
}

static bool set_head(PyObject **made, PyObject *const *last, const Field *head)
{
    const Field *time = &head[HEAD_TIMESTAMP];
    if (is_there(time)) {
        made[TIMESTAMP] = *time->start == '"' ? text(time, NULL) : milliseconds(time, LLONG_MAX);
        if (!made[TIMESTAMP])
            return false;
    }
    return set_text(made, last, ID, &head[HEAD_ID]) && set_text(made, last, TYPE, &head[HEAD_TYPE]) &&
           set_text(made, last, KEY, &head[HEAD_KEY]);
}

/* Find the wanted members of a line that is one object and nothing else. */
static bool find(Line line, Field *whole)
{
    whole->start = json_space(line.start);
    whole->end = json_object(whole->start, line.end, whole->inner, whole->inner_count, 0);
    return whole->end && json_space(whole->end) == line.end;
}

static bool read_raw_line(Line line, PyObject **made, PyObject *const *last, Field *event)
{
    Field head[] = HEAD;
    *event = (Field)OBJECT("", head);
    return find(line, event) && is_there(&head[HEAD_TYPE]) && set_head(made, last, head);
}

static bool read_eventbridge_line(Line line, PyObject **made, PyObject *const *last, Field *event)
{
    enum { DETAIL, DETAIL_TYPE, BUS_ID, BUS_ACCOUNT, BUS_REGION, BUS_SOURCE };
    Field head[] = HEAD;
    Field members[] = {OBJECT("detail", head), MEMBER("detail-type"), MEMBER("id"), MEMBER("account"),
                       MEMBER("region"), MEMBER("source")};
    Field whole = OBJECT("", members);
    if (!find(line, &whole) || !is_object(&members[DETAIL]) || !is_there(&members[DETAIL_TYPE]))
        return false;
    *event = members[DETAIL];
    /* The detail's own, where it has them, replace the bus's. */
    return set_text(made, last, ID, &members[BUS_ID]) && set_text(made, last, TYPE, &members[DETAIL_TYPE]) &&
           set_head(made, last, head) && set_text(made, last, ACCOUNT, &members[BUS_ACCOUNT]) &&
           set_text(made, last, REGION, &members[BUS_REGION]) && set_text(made, last, SOURCE, &members[BUS_SOURCE]);
}

static bool read_envelope_line(Line line, PyObject **made, PyObject *const *last, Field *event)
{
    enum { EVENT, OF_KINESIS, OF_FIREHOSE };
    enum { ITS_SHARD, ITS_KEY, ITS_SEQUENCE, ITS_ARRIVAL };
    enum { DELIVERY_STREAM, DELIVERY_REGION, DELIVERY_ARRIVAL };
    Field head[] = HEAD;
    Field kinesis[] = {MEMBER("shardId"), MEMBER("partitionKey"), MEMBER("sequenceNumber"),
                       MEMBER("approximateArrivalTimestamp")};
    Field firehose[] = {MEMBER("deliveryStreamArn"), MEMBER("region"), MEMBER("approximateArrivalTimestamp")};
    Field members[] = {OBJECT("event", head), OBJECT("kinesisRecordMetadata", kinesis),
                       OBJECT("firehoseRecordMetadata", firehose)};
    Field whole = OBJECT("", members);
    if (!find(line, &whole) || !is_object(&members[EVENT]))
        return false;
    for (int part = OF_KINESIS; part <= OF_FIREHOSE; part++)
        if (is_there(&members[part]) && !is_object(&members[part]))
            return false;
    if (!is_there(&members[OF_KINESIS]) && !is_there(&members[OF_FIREHOSE]))
        return false;
    *event = members[EVENT];
    /* What Kinesis says replaces what the event and Firehose say. */
    return set_head(made, last, head) && set_text(made, last, KEY, &kinesis[ITS_KEY]) &&
           set_text(made, last, SEQUENCE, &kinesis[ITS_SEQUENCE]) && set_text(made, last, SHARD, &kinesis[ITS_SHARD]) &&
           set_arrival(made, &firehose[DELIVERY_ARRIVAL]) && set_arrival(made, &kinesis[ITS_ARRIVAL]) &&
           set_text(made, last, REGION, &firehose[DELIVERY_REGION]) &&
           set_text(made, last, STREAM, &firehose[DELIVERY_STREAM]);
}

static void release(PyObject **objects)
{
    for (int at = 0; at < ARGUMENTS; at++)
        Py_CLEAR(objects[at]);
}

static bool set_rest(PyObject **made, Py_ssize_t number, const Field *event)
{
    made[DATA] = PyBytes_FromStringAndSize(event->start, event->end - event->start);
    made[LINE] = PyLong_FromSsize_t(number);
    made[PART] = PyLong_FromLong(0);
    for (int at = PART + 1; at < ARGUMENTS; at++)
        if (!made[at])
            made[at] = Py_NewRef(Py_None);
    return made[DATA] && made[LINE] && made[PART];
}

/* The event of a line, NULL where it is not a usual one; `last` becomes what it was made of. */
static PyObject *event_of(PyObject *type, Read read, Line line, PyObject **last)
{
    PyObject *made[ARGUMENTS] = {NULL};
    Field event;
    if (!read(line, made, last, &event) || !set_rest(made, line.number, &event)) {
        release(made);
        return NULL;
    }
    release(last);
    memcpy(last, made, sizeof(made));
    return PyObject_Vectorcall(type, made, ARGUMENTS, NULL);
}

static bool append(PyObject *list, PyObject *item)
{
    bool is_appended = item && PyList_Append(list, item) == 0;
    Py_XDECREF(item);
    return is_appended;
}

static bool append_events(PyObject *found, PyObject *type, Read read, Line line, const char *end, PyObject **last)
{
    while (line.start < end) {
        const char *newline = memchr(line.start, '\n', end - line.start);
        const char *next = newline ? newline + 1 : end;
        line.end = newline ? newline : end;
        PyObject *one = event_of(type, read, line, last);
        if (!one && !PyErr_Occurred())
            one = PyBytes_FromStringAndSize(line.start, next - line.start);
        if (!append(found, one))
            return false;
        line.start = next;
        line.number++;
    }
    return true;
}

static PyObject *read_lines(PyObject *const *arguments, Py_ssize_t count, Read read)
{
    if (!has_arguments(count, 3))
        return NULL;
    char *data;
    Py_ssize_t length, first_line = PyLong_AsSsize_t(arguments[2]);
    if (PyErr_Occurred() || PyBytes_AsStringAndSize(arguments[1], &data, &length) < 0)
        return NULL;
    PyObject *last[ARGUMENTS] = {NULL}, *found = PyList_New(0);
    Line line = {first_line, data, NULL};
    if (found && !append_events(found, arguments[0], read, line, data + length, last))
        Py_CLEAR(found);
    release(last);
    return found;
}

PyObject *read_envelopes(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    return read_lines(arguments, count, read_envelope_line);
}

PyObject *read_eventbridge(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    return read_lines(arguments, count, read_eventbridge_line);
}

PyObject *read_raw(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    return read_lines(arguments, count, read_raw_line);
}
