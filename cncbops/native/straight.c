/* From lines straight to records, as far as lines are usual: what `cncbops.session.events` does in its steps. */

#include "native.h"

#include "counts.h"
#include "unwritten.h"
#include "utf8.h"

/* Of a partition key; counted in bytes here, which are never fewer. */
#define LONGEST_KEY 256

/* What follows a synthesized sequence number's order: line and part, at most as many digits. */
#define LONGEST_PLACE 40

enum { SHARDS = 16 };

/* The last name, and what it was made from. */
typedef struct {
    Text stream, region, account;
    PyObject *bytes;
} Name;

typedef struct {
    ReadLine read;
    PyObject *make, *object, *order, *shard, *name_of;
    long long time_ms, start_ms, end_ms, place;
    Py_ssize_t line;
    Kinds kinds;
    Hours hours;
    Name name;
    PyObject *shards[SHARDS];
    PyObject *records;
    Py_ssize_t left_out, synthesized, longest;
} Reading;

/* A record in the making: its texts, the first of them as objects, and when its event happened. `is_synthesized`: its
   key or sequence number is made up. */
typedef struct {
    PyObject *key, *sequence, *id, *shard;
    Parts parts;
    long long time_ms;
    bool is_synthesized;
} Draft;

/* Each of the following returns false, or NULL, with an exception set, or without one where a line is not usual. */

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* Whether a text may be a number of milliseconds, which is as good as one. */
static bool may_be_number(Text text)
{
    for (Py_ssize_t at = 0; at < text.length; at++)
        if (!is_digit(text.start[at]) && text.start[at] != '.')
            return false;
    return text.length > 0;
}

/* When an event happened and when it arrived, one standing in for the other. */
static bool set_times(const Reading *reading, Draft *draft, const Found *found)
{
    bool is_time = found->time_ms >= 0 && found->time_ms <= LATEST_MS;
    long long stand_in_ms = is_time && found->time_ms ? found->time_ms : reading->time_ms;
    draft->parts.arrival_ms = found->arrival_ms == NO_TIME ? stand_in_ms : found->arrival_ms;
    draft->time_ms = is_time ? found->time_ms : draft->parts.arrival_ms;
    return !may_be_number(found->time_text);
}

static bool set_key(Draft *draft, const Found *found)
{
    draft->parts.key = found->key.start ? found->key : found->id;
    draft->is_synthesized |= !found->key.start;
    if (!draft->parts.key.start || draft->parts.key.length > LONGEST_KEY)
        return false;
    draft->key = text_object(draft->parts.key, draft->id);
    return draft->key;
}

/* The object's order, then line and part. */
static PyObject *synthesized_sequence(const Reading *reading)
{
    char place[LONGEST_PLACE];
    PyOS_snprintf(place, sizeof(place), "%010zd%09d", reading->line, 0);
    return PyUnicode_FromFormat("%U%s", reading->order, place);
}

static bool set_sequence(const Reading *reading, Draft *draft, const Found *found)
{
    Text *text = &draft->parts.sequence;
    *text = found->sequence;
    draft->is_synthesized |= !text->start;
    draft->sequence = text->start ? text_object(*text, NULL) : synthesized_sequence(reading);
    if (draft->sequence && !text->start)
        text->start = PyUnicode_AsUTF8AndSize(draft->sequence, &text->length);
    return text->start;
}

/* An object's events are of few shards, of which those are held that differ in how they end. */
static bool set_shard(Reading *reading, Draft *draft, const Found *found)
{
    Text *text = &draft->parts.shard;
    *text = found->shard;
    if (text->start) {
        PyObject **held = &reading->shards[(unsigned char)text->start[text->length - 1] % SHARDS];
        draft->shard = text_object(*text, *held);
        Py_XSETREF(*held, Py_XNewRef(draft->shard));
    } else {
        draft->shard = Py_NewRef(reading->shard);
        text->start = PyUnicode_AsUTF8AndSize(draft->shard, &text->length);
    }
    return draft->shard && text->start;
}

/* What records of a stream have in common, made anew where the stream is another. */
static PyObject *name_of(Reading *reading, const Found *found)
{
    Name *name = &reading->name;
    if (name->bytes && text_is(name->stream, found->stream) && text_is(name->region, found->region) &&
        text_is(name->account, found->account))
        return name->bytes;
    PyObject *stream = text_object(found->stream, NULL), *region = text_object(found->region, NULL);
    PyObject *account = text_object(found->account, NULL);
    PyObject *made = stream && region && account
                         ? PyObject_CallFunctionObjArgs(reading->name_of, stream, region, account, NULL) : NULL;
    Py_XDECREF(stream);
    Py_XDECREF(region);
    Py_XDECREF(account);
    if (made && !PyBytes_Check(made)) {
        PyErr_SetString(PyExc_TypeError, "a name is bytes");
        Py_CLEAR(made);
    }
    Py_XSETREF(name->bytes, made);
    *name = (Name){found->stream, found->region, found->account, made};
    return made;
}

static bool fill(Reading *reading, Draft *draft, const Found *found)
{
    draft->id = text_object(found->id, NULL);
    draft->parts.event = found->event;
    draft->parts.name = name_of(reading, found);
    return draft->id && draft->parts.name && set_key(draft, found) && set_sequence(reading, draft, found) &&
           set_shard(reading, draft, found);
}

static void release_draft(Draft *draft)
{
    Py_XDECREF(draft->key);
    Py_XDECREF(draft->sequence);
    Py_XDECREF(draft->id);
    Py_XDECREF(draft->shard);
}

static PyObject *record_of(Reading *reading, const Draft *draft)
{
    PyObject *body = unwritten_of(&draft->parts);
    if (!body)
        return NULL;
    Py_ssize_t length = body_length(body);
    reading->longest = length > reading->longest ? length : reading->longest;
    PyObject *line = PyLong_FromSsize_t(reading->line), *part = PyLong_FromLong(0);
    PyObject *place = PyLong_FromLongLong(reading->place);
    PyObject *arguments[] = {body, draft->key, draft->sequence, draft->id, reading->object,
                             line, part, draft->shard, place};
    PyObject *record = line && part && place ? PyObject_Vectorcall(reading->make, arguments, COUNT(arguments), NULL)
                                             : NULL;
    Py_DECREF(body);
    Py_XDECREF(line);
    Py_XDECREF(part);
    Py_XDECREF(place);
    return record;
}

/* Appends the record of an event that is wanted, and counts it. */
static bool add_record(Reading *reading, Draft *draft, Kind *kind, const Found *found)
{
    PyObject *record = fill(reading, draft, found) ? record_of(reading, draft) : NULL;
    bool is_added = record && PyList_Append(reading->records, record) == 0 &&
                    kinds_count(&reading->kinds, kind) && hours_count(&reading->hours, draft->time_ms);
    Py_XDECREF(record);
    release_draft(draft);
    reading->place += is_added;
    reading->synthesized += is_added && draft->is_synthesized;
    return is_added;
}

static bool add_found(Reading *reading, const Found *found)
{
    Draft draft = {NULL};
    if (!set_times(reading, &draft, found))
        return false;
    if (draft.time_ms < reading->start_ms || draft.time_ms >= reading->end_ms)
        return true;
    Kind *kind = kind_of(&reading->kinds, found->type);
    if (!kind)
        return false;
    reading->left_out += !kind->is_wanted;
    return !kind->is_wanted || add_record(reading, &draft, kind, found);
}

/* Returns what is behind a line that was usual. */
static const char *add_line(Reading *reading, const char *line, const char *end)
{
    Found found = {.time_ms = NO_TIME, .arrival_ms = NO_TIME};
    const char *next = reading->read(line, end, &found);
    if (!next || !utf8_is_valid(line, next - line) || !add_found(reading, &found))
        return NULL;
    reading->line++;
    return next;
}

/* Where the first line begins that is not usual, or all ends; NULL with an exception set. */
static const char *add_lines(Reading *reading, Text lines)
{
    const char *line = lines.start, *end = line + lines.length;
    for (const char *next; line < end; line = next) {
        next = add_line(reading, line, end);
        if (!next)
            break;
    }
    return PyErr_Occurred() || !kinds_finish(&reading->kinds) || !hours_finish(&reading->hours) ? NULL : line;
}

/* As `Straight` in `cncbops.session.straight` has it. */
static PyObject *result_of(Reading *reading, Text lines)
{
    Py_ssize_t first_line = reading->line;
    reading->records = PyList_New(0);
    bool is_begun = reading->records && kinds_begin(&reading->kinds) && hours_begin(&reading->hours);
    const char *end = is_begun ? add_lines(reading, lines) : NULL;
    if (!end)
        return NULL;
    return Py_BuildValue("OnnnnnOON", reading->records, reading->line - first_line, (Py_ssize_t)(end - lines.start),
                         reading->left_out, reading->synthesized, reading->longest, reading->kinds.counts,
                         reading->hours.counts, hours_range(&reading->hours));
}

static void release(Reading *reading)
{
    for (int at = 0; at < SHARDS; at++)
        Py_CLEAR(reading->shards[at]);
    Py_CLEAR(reading->name.bytes);
    Py_CLEAR(reading->records);
    kinds_release(&reading->kinds);
    hours_release(&reading->hours);
}

PyObject *read_records(PyObject *Py_UNUSED(module), PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"format", "data", "first_line", "make", "lake_object", "first_place", "order", "time_ms",
                            "shard", "start_ms", "end_ms", "is_wanted", "name_of", NULL};
    Reading reading = {NULL};
    PyObject *format, *data;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "OSnOOLULULLOO", names, &format, &data, &reading.line,
                                     &reading.make, &reading.object, &reading.place, &reading.order, &reading.time_ms,
                                     &reading.shard, &reading.start_ms, &reading.end_ms, &reading.kinds.is_wanted,
                                     &reading.name_of))
        return NULL;
    reading.read = line_reader(format);
    Text lines = {PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)};
    PyObject *result = reading.read ? result_of(&reading, lines) : NULL;
    release(&reading);
    return result;
}
