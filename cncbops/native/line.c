#include "line.h"

#include <limits.h>

#include "json.h"
#include "utf8.h"

#define LONGEST_TIME 15

#define MEMBER(name) {name, sizeof(name) - 1, NULL, 0, NULL, NULL, false}
#define OBJECT(name, inner) {name, sizeof(name) - 1, inner, COUNT(inner), NULL, NULL, false}

/* What selection and reports look at of an event. */
#define HEAD {MEMBER("id"), MEMBER("type"), MEMBER("timestamp"), MEMBER("partitionKey")}
enum { HEAD_ID, HEAD_TYPE, HEAD_TIMESTAMP, HEAD_KEY };

static bool is_there(const Field *field)
{
    return field->start;
}

static bool is_object(const Field *field)
{
    return is_there(field) && *field->start == '{';
}

/* Each of these takes what a member says, where it is there; false where that is not usual. */

static bool take_text(Text *text, const Field *field)
{
    if (!is_there(field))
        return true;
    *text = (Text){field->start + 1, field->end - field->start - 2};
    return field->is_plain && text->length > 0;
}

static bool take_time(long long *ms, const Field *field, long long latest)
{
    if (!is_there(field))
        return true;
    if (field->end - field->start > LONGEST_TIME)
        return false;
    *ms = 0;
    for (const char *at = field->start; at < field->end; at++) {
        if (*at < '0' || *at > '9')
            return false;
        *ms = *ms * 10 + (*at - '0');
    }
    return *ms <= latest;
}

static bool take_head(Found *found, const Field *head)
{
    const Field *time = &head[HEAD_TIMESTAMP];
    bool is_text = is_there(time) && *time->start == '"';
    return (is_text ? take_text(&found->time_text, time) : take_time(&found->time_ms, time, LLONG_MAX)) &&
           take_text(&found->id, &head[HEAD_ID]) && take_text(&found->type, &head[HEAD_TYPE]) &&
           take_text(&found->key, &head[HEAD_KEY]);
}

static void take_event(Found *found, const Field *event)
{
    found->event = (Text){event->start, event->end - event->start};
}

static const char *read_raw(const char *line, const char *end, Found *found)
{
    static Field head[] = HEAD;
    static Field whole = OBJECT("", head);
    const char *next = json_line(line, end, &whole);
    if (!next || !is_there(&head[HEAD_TYPE]) || !take_head(found, head))
        return NULL;
    take_event(found, &whole);
    return next;
}

static const char *read_eventbridge(const char *line, const char *end, Found *found)
{
    enum { DETAIL, DETAIL_TYPE, BUS_ID, BUS_ACCOUNT, BUS_REGION, BUS_SOURCE };
    static Field head[] = HEAD;
    static Field members[] = {OBJECT("detail", head), MEMBER("detail-type"), MEMBER("id"), MEMBER("account"),
                              MEMBER("region"), MEMBER("source")};
    static Field whole = OBJECT("", members);
    const char *next = json_line(line, end, &whole);
    if (!next || !is_object(&members[DETAIL]) || !is_there(&members[DETAIL_TYPE]))
        return NULL;
    take_event(found, &members[DETAIL]);
    /* The detail's own, where it has them, replace the bus's. */
    bool is_usual = take_text(&found->id, &members[BUS_ID]) && take_text(&found->type, &members[DETAIL_TYPE]) &&
                    take_head(found, head) && take_text(&found->account, &members[BUS_ACCOUNT]) &&
                    take_text(&found->region, &members[BUS_REGION]) && take_text(&found->source, &members[BUS_SOURCE]);
    return is_usual ? next : NULL;
}

static bool take_envelope(Found *found, const Field *head, const Field *kinesis, const Field *firehose)
{
    enum { ITS_SHARD, ITS_KEY, ITS_SEQUENCE, ITS_ARRIVAL };
    enum { DELIVERY_STREAM, DELIVERY_REGION, DELIVERY_ARRIVAL };
    /* What Kinesis says replaces what the event and Firehose say. */
    return take_head(found, head) && take_text(&found->key, &kinesis[ITS_KEY]) &&
           take_text(&found->sequence, &kinesis[ITS_SEQUENCE]) && take_text(&found->shard, &kinesis[ITS_SHARD]) &&
           take_time(&found->arrival_ms, &firehose[DELIVERY_ARRIVAL], LATEST_MS) &&
           take_time(&found->arrival_ms, &kinesis[ITS_ARRIVAL], LATEST_MS) &&
           take_text(&found->region, &firehose[DELIVERY_REGION]) &&
           take_text(&found->stream, &firehose[DELIVERY_STREAM]);
}

static const char *read_envelope(const char *line, const char *end, Found *found)
{
    enum { EVENT, OF_KINESIS, OF_FIREHOSE };
    static Field head[] = HEAD;
    static Field kinesis[] = {MEMBER("shardId"), MEMBER("partitionKey"), MEMBER("sequenceNumber"),
                              MEMBER("approximateArrivalTimestamp")};
    static Field firehose[] = {MEMBER("deliveryStreamArn"), MEMBER("region"), MEMBER("approximateArrivalTimestamp")};
    static Field members[] = {OBJECT("event", head), OBJECT("kinesisRecordMetadata", kinesis),
                              OBJECT("firehoseRecordMetadata", firehose)};
    static Field whole = OBJECT("", members);
    const char *next = json_line(line, end, &whole);
    if (!next || !is_object(&members[EVENT]))
        return NULL;
    for (int part = OF_KINESIS; part <= OF_FIREHOSE; part++)
        if (is_there(&members[part]) && !is_object(&members[part]))
            return NULL;
    if (!is_there(&members[OF_KINESIS]) && !is_there(&members[OF_FIREHOSE]))
        return NULL;
    take_event(found, &members[EVENT]);
    return take_envelope(found, head, kinesis, firehose) ? next : NULL;
}

static const struct {
    const char *format;
    ReadLine read;
} READERS[] = {{"envelope", read_envelope}, {"eventbridge", read_eventbridge}, {"raw", read_raw}};

ReadLine line_reader(PyObject *format)
{
    for (size_t at = 0; PyUnicode_Check(format) && at < COUNT(READERS); at++)
        if (PyUnicode_CompareWithASCIIString(format, READERS[at].format) == 0)
            return READERS[at].read;
    PyErr_Format(PyExc_ValueError, "lines of format %R are not read in C", format);
    return NULL;
}

const char *line_end(const char *line, const char *end)
{
    const char *newline = memchr(line, '\n', end - line);
    return newline ? newline + 1 : end;
}

static bool is_same(Text text, PyObject *known)
{
    return PyUnicode_Check(known) && PyUnicode_IS_ASCII(known) && PyUnicode_GET_LENGTH(known) == text.length &&
           memcmp(PyUnicode_1BYTE_DATA(known), text.start, text.length) == 0;
}

/* Nearly all are ASCII, of which it takes half the time to know it beforehand. */
static PyObject *new_object(Text text)
{
    if (!utf8_is_ascii(text.start, text.length))
        return PyUnicode_DecodeUTF8(text.start, text.length, NULL);
    PyObject *made = PyUnicode_New(text.length, 0x7f);
    if (made)
        memcpy(PyUnicode_1BYTE_DATA(made), text.start, text.length);
    return made;
}

PyObject *text_object(Text text, PyObject *known)
{
    if (!text.start)
        Py_RETURN_NONE;
    return known && is_same(text, known) ? Py_NewRef(known) : new_object(text);
}
