#include "fault_lines.h"

#include "native.h"

#include "json.h"

#define MEMBER(called) {.name = called, .length = sizeof(called) - 1}
#define OBJECT(called, members) OBJECT_OF(called, members, COUNT(members))
#define OBJECT_OF(called, members, count) \
    {.name = called, .length = sizeof(called) - 1, .inner = members, .inner_count = count}

/* How a line around an event begins; one that begins otherwise is the event itself. */
#define ENVELOPE_START "{\"event\":"
#define EVENTBRIDGE_START "{\"version\":"

/* How text begins that the library has compressed. */
#define PACKED_START "COMPRESSEDH4sI"

/* With more digits a time may be later than the year 9999. */
#define LONGEST_TIME 14

enum { TYPE, TIMESTAMP, WORK, TAGS, ERROR, ID, PARTITION_KEY };
enum { RECORD, EVENT, PIPELINE, BATCH };
enum { KINESIS, SOURCE, RECORD_ID, ARN, DETAIL_TYPE };
enum { KEY, SEQUENCE, DATA };
enum { LOWER_CASE, CAMEL_CASE, OF_PIPELINE };
enum { NAME, MESSAGE, STACK };

bool slice_equal(Slice one, Slice other)
{
    ptrdiff_t length = slice_length(one);
    return length == slice_length(other) && (!length || memcmp(one.start, other.start, length) == 0);
}

static bool is_there(const Field *field)
{
    return field->start;
}

static bool is_object(const Field *field)
{
    return is_there(field) && *field->start == '{';
}

static Slice whole(const Field *field)
{
    return (Slice){field->start, field->end};
}

static bool begins(const char *start, const char *end, const char *expected, ptrdiff_t length)
{
    return end - start >= length && memcmp(start, expected, length) == 0;
}

#define BEGINS(start, end, literal) begins(start, end, literal, sizeof(literal) - 1)

/* A text that has no escape and is not empty, without its quotes. */
static bool text(const Field *field, Slice *found)
{
    if (!field->is_plain || field->end - field->start < 3)
        return false;
    *found = (Slice){field->start + 1, field->end - 1};
    return true;
}

/* The same where it is there at all. */
static bool text_or_none(const Field *field, Slice *found)
{
    return !is_there(field) || text(field, found);
}

/* A text that may have escapes, as it stands, quotes included. */
static bool quoted_or_none(const Field *field, Slice *found)
{
    *found = whole(field);
    return !is_there(field) || *field->start == '"';
}

/* The same, if it is not compressed. */
static bool unpacked_or_none(const Field *field, Slice *found)
{
    return quoted_or_none(field, found) && !(is_there(field) && BEGINS(field->start, field->end, "\"" PACKED_START));
}

/* Whether an object that is written without spaces has no members but those that were looked for. */
static bool has_no_others(const Field *object)
{
    ptrdiff_t expected = 1;
    for (size_t at = 0; at < object->inner_count; at++) {
        const Field *field = &object->inner[at];
        if (is_there(field))
            expected += (ptrdiff_t)sizeof("\"\":,") - 1 + (ptrdiff_t)field->length + (field->end - field->start);
    }
    return object->end - object->start == expected;
}

/* Whether no text in a stretch of JSON may be compressed or redacted. */
static bool is_unmarked(const char *start, const char *end)
{
    if (memchr(start, '[', end - start))
        return false;
    for (; (start = memchr(start, 'C', end - start)); start++)
        if (BEGINS(start, end, PACKED_START))
            return false;
    return true;
}

/* Whether no text of a record may be; of its data, which is one, only the beginning is looked at. */
static bool is_as_given(const Field *record, Slice data)
{
    return *data.start != '[' && !BEGINS(data.start, data.end, PACKED_START) &&
           is_unmarked(record->start, data.start) && is_unmarked(data.end, record->end);
}

static bool read_time(const Field *time, Slice *found)
{
    *found = whole(time);
    if (!is_there(time) || slice_length(*found) > LONGEST_TIME)
        return false;
    for (const char *at = time->start; at < time->end; at++)
        if (*at < '0' || *at > '9')
            return false;
    return true;
}

static bool read_record(const Field *record, const Field *kinesis, FaultLine *line)
{
    const Field *members = record->inner;
    Slice source;
    if (!is_object(record) || !is_object(&members[KINESIS]) || is_there(&members[DETAIL_TYPE]))
        return false;
    line->record = whole(record);
    return text(&members[SOURCE], &source) && slice_length(source) == (ptrdiff_t)sizeof("aws:kinesis") - 1 &&
           BEGINS(source.start, source.end, "aws:kinesis") && text(&members[RECORD_ID], &line->record_id) &&
           text(&members[ARN], &line->arn) && text(&kinesis[KEY], &line->key) &&
           text(&kinesis[SEQUENCE], &line->sequence) && text(&kinesis[DATA], &line->data) &&
           is_as_given(record, line->data);
}

static bool read_tags(const Field *tags, FaultLine *line)
{
    const Field *members = tags->inner;
    return (!is_there(tags) || is_object(tags)) &&
           quoted_or_none(&members[LOWER_CASE], &line->common[SAID_FUNCTION]) &&
           quoted_or_none(&members[CAMEL_CASE], &line->common[SAID_FUNCTION_TOO]) &&
           quoted_or_none(&members[OF_PIPELINE], &line->common[TAGGED_PIPELINE]);
}

static bool read_error(const Field *error, FaultLine *line)
{
    const Field *members = error->inner;
    Slice stack;
    return (!is_there(error) || is_object(error)) &&
           unpacked_or_none(&members[NAME], &line->common[ERROR_NAME]) &&
           unpacked_or_none(&members[MESSAGE], &line->common[ERROR_MESSAGE]) &&
           unpacked_or_none(&members[STACK], &stack);
}

/* What the members of a fault say; its own have been found. */
static bool read_fault(const Field *fault, FaultLine *line)
{
    const Field *members = fault->inner, *work = members[WORK].inner;
    Slice type;
    if (!is_object(fault) || !has_no_others(fault) || !is_object(&members[WORK]) || is_there(&work[BATCH]))
        return false;
    return text(&members[TYPE], &type) && slice_length(type) == 5 && BEGINS(type.start, type.end, "fault") &&
           read_time(&members[TIMESTAMP], &line->time) && text_or_none(&members[ID], &line->id) &&
           read_tags(&members[TAGS], line) && read_error(&members[ERROR], line) &&
           quoted_or_none(&work[PIPELINE], &line->common[OWN_PIPELINE]) && is_object(&work[EVENT]) &&
           text(work[EVENT].inner, &line->type) && read_record(&work[RECORD], work[RECORD].inner[KINESIS].inner, line);
}

/* Whether an event by itself has a type that is not a fault's, and nothing by which something else is told. */
static bool is_other(const Field *event, FaultLine *Py_UNUSED(line))
{
    Slice type;
    if (!is_object(event) || !text(&event->inner[TYPE], &type))
        return false;
    for (size_t at = TYPE + 1; at < event->inner_count; at++)
        if (is_there(&event->inner[at]))
            return false;
    return slice_length(type) != 5 || !BEGINS(type.start, type.end, "fault");
}

/* Reads what a line holds: a fault, or an event of another type; false where it is not a usual one. */
typedef bool (*ReadInner)(const Field *inner, FaultLine *line);

static const char *read_alone(const char *start, const char *end, Field *inner, ReadInner read, FaultLine *line)
{
    const char *next = json_line(start, end, inner);
    return next && read(inner, line) ? next : NULL;
}

static const char *read_envelope(const char *start, const char *end, const Field *inner, ReadInner read,
                                 FaultLine *line)
{
    enum { INNER, FIREHOSE, RAW_DATA };
    Field members[] = {OBJECT_OF("event", inner->inner, inner->inner_count), MEMBER("firehoseRecordMetadata"),
                       MEMBER("rawData")};
    Field envelope = OBJECT("", members);
    const char *next = json_line(start, end, &envelope);
    bool is_usual = next && is_there(&members[FIREHOSE]) && !is_there(&members[RAW_DATA]) &&
                    read(&members[INNER], line);
    return is_usual ? next : NULL;
}

static const char *read_eventbridge(const char *start, const char *end, const Field *inner, ReadInner read,
                                    FaultLine *line)
{
    enum { DETAIL, BUS_TYPE, BUS_ID, INNER_EVENT, RAW_DATA };
    Field members[] = {OBJECT_OF("detail", inner->inner, inner->inner_count), MEMBER("detail-type"), MEMBER("id"),
                       MEMBER("event"), MEMBER("rawData")};
    Field envelope = OBJECT("", members);
    const char *next = json_line(start, end, &envelope);
    bool is_usual = next && is_there(&members[BUS_TYPE]) && *members[BUS_TYPE].start == '"' &&
                    !is_there(&members[INNER_EVENT]) && !is_there(&members[RAW_DATA]) &&
                    text_or_none(&members[BUS_ID], &line->id) && read(&members[DETAIL], line);
    return is_usual ? next : NULL;
}

static const char *read_line(const char *start, const char *end, Field *inner, ReadInner read, FaultLine *line)
{
    memset(line, 0, sizeof(*line));
    start = json_space(start);
    if (BEGINS(start, end, ENVELOPE_START))
        return read_envelope(start, end, inner, read, line);
    if (BEGINS(start, end, EVENTBRIDGE_START))
        return read_eventbridge(start, end, inner, read, line);
    return read_alone(start, end, inner, read, line);
}

const char *fault_line_read(const char *start, const char *end, FaultLine *line)
{
    static Field kinesis[] = {MEMBER("partitionKey"), MEMBER("sequenceNumber"), MEMBER("data")};
    static Field record[] = {OBJECT("kinesis", kinesis), MEMBER("eventSource"), MEMBER("eventID"),
                             MEMBER("eventSourceARN"), MEMBER("detail-type")};
    static Field event[] = {MEMBER("type")};
    static Field work[] = {OBJECT("record", record), OBJECT("event", event), MEMBER("pipeline"), MEMBER("batch")};
    static Field tags[] = {MEMBER("functionname"), MEMBER("functionName"), MEMBER("pipeline")};
    static Field error[] = {MEMBER("name"), MEMBER("message"), MEMBER("stack")};
    static Field members[] = {MEMBER("type"), MEMBER("timestamp"), OBJECT("uow", work), OBJECT("tags", tags),
                              OBJECT("err", error), MEMBER("id"), MEMBER("partitionKey")};
    static Field fault = OBJECT("", members);
    return read_line(start, end, &fault, read_fault, line);
}

const char *other_line_read(const char *start, const char *end)
{
    static Field members[] = {MEMBER("type"), MEMBER("event"), MEMBER("detail"), MEMBER("rawData"), MEMBER("Message"),
                              MEMBER("requestContext")};
    static Field event = OBJECT("", members);
    FaultLine nothing;
    return read_line(start, end, &event, is_other, &nothing);
}
