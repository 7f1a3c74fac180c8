/* From lines to units of work: for faults that are as nearly all are what `cncbops.faults` does for each. */

#include "native.h"

#include <string.h>

#include "digests.h"
#include "fault_lines.h"
#include "utf8.h"

/* A partition key has at most 256 characters; what is longer than this is left to Python. */
#define LONGEST_TEXT 2048

/* What is taken of a Cause (see `cncbops.session.causes`). */
enum { KNOWN_AS, SAID, FUNCTION, FINGERPRINT, PIPELINE, ATTRIBUTES };
static const char *const ATTRIBUTE_NAMES[ATTRIBUTES] = {"known_as", "said", "function", "fingerprint", "pipeline"};

/* The fields of a Unit that are given: those that have a place, then those that have a name. */
enum { BODY, KEY, SEQUENCE, EVENT_ID, OBJECT, LINE, PART, GROUP, PLACE, OF_FUNCTION, PLACED };
enum { IS_ALONE = PLACED, KEYS, SEQUENCES, SOURCE, FAULT, RECORDS, OF_CAUSE, OF_PIPELINE, FIELDS };
static const char *const FIELD_NAMES[FIELDS - PLACED] = {"is_alone", "keys", "names", "source", "fault", "records",
                                                         "fingerprint", "pipeline"};

static PyObject *attribute_names[ATTRIBUTES], *field_names, *zero;

/* What a call is given, and what it found last, as most lines say it again. */
typedef struct {
    PyObject *make;
    PyObject *cause_of;
    PyObject *sha256;
    PyObject *object;
    PyObject *is_alone;
    long long until_ms;
    FaultLine last;
    PyObject *source;
    PyObject *cause;
    PyObject *of_cause[ATTRIBUTES];
    PyObject *group;
    PyObject *type;
} Making;

bool prepare_units(void)
{
    for (int at = 0; at < ATTRIBUTES; at++)
        if (!(attribute_names[at] = PyUnicode_InternFromString(ATTRIBUTE_NAMES[at])))
            return false;
    field_names = PyTuple_New(COUNT(FIELD_NAMES));
    for (size_t at = 0; field_names && at < COUNT(FIELD_NAMES); at++) {
        PyObject *name = PyUnicode_InternFromString(FIELD_NAMES[at]);
        if (!name)
            return false;
        PyTuple_SET_ITEM(field_names, at, name);
    }
    zero = PyLong_FromLong(0);
    return field_names && zero && prepare_digests();
}

static Slice bytes_slice(PyObject *bytes)
{
    const char *start = PyBytes_AS_STRING(bytes);
    return (Slice){start, start + PyBytes_GET_SIZE(bytes)};
}

/* Some texts as one, each but the first behind a zero byte; NULL with no exception set where that is long. */
static PyObject *joined_text(const Slice *parts, size_t count)
{
    char buffer[LONGEST_TEXT], *to = buffer;
    for (size_t at = 0; at < count; at++) {
        if (slice_length(parts[at]) >= buffer + LONGEST_TEXT - to)
            return NULL;
        if (at)
            *to++ = '\0';
        memcpy(to, parts[at].start, slice_length(parts[at]));
        to += slice_length(parts[at]);
    }
    return PyUnicode_DecodeUTF8(buffer, to - buffer, NULL);
}

static PyObject *text_of(Slice slice)
{
    return PyUnicode_DecodeUTF8(slice.start, slice_length(slice), NULL);
}

static PyObject *bytes_of(Slice slice)
{
    return PyBytes_FromStringAndSize(slice.start, slice_length(slice));
}

/* Sets what tells the fault and its record from all others. */
static bool set_digests(const Making *making, const FaultLine *line, PyObject **made)
{
    Slice known_as = bytes_slice(making->of_cause[KNOWN_AS]), said = bytes_slice(making->of_cause[SAID]);
    made[FAULT] = fault_digest(making->sha256, known_as, said, line);
    PyObject *of_record = made[FAULT] ? record_digest(making->sha256, known_as, line) : NULL;
    made[RECORDS] = of_record ? PyTuple_Pack(1, of_record) : NULL;
    Py_XDECREF(of_record);
    return made[RECORDS];
}

static bool is_of_last_cause(const Making *making, const FaultLine *line)
{
    for (int at = 0; at < COMMON; at++)
        if (!slice_equal(making->last.common[at], line->common[at]))
            return false;
    return true;
}

static PyObject *ask_for_cause(const Making *making, const FaultLine *line)
{
    PyObject *said[COMMON] = {NULL}, *cause = NULL;
    int at = 0;
    while (at < COMMON && (said[at] = line->common[at].start ? bytes_of(line->common[at]) : Py_NewRef(Py_None)))
        at++;
    if (at == COMMON)
        cause = PyObject_Vectorcall(making->cause_of, said, COMMON, NULL);
    for (at = 0; at < COMMON; at++)
        Py_XDECREF(said[at]);
    return cause;
}

static bool take_attributes(Making *making)
{
    for (int at = 0; at < ATTRIBUTES; at++) {
        Py_XSETREF(making->of_cause[at], PyObject_GetAttr(making->cause, attribute_names[at]));
        if (!making->of_cause[at])
            return false;
    }
    if (PyBytes_Check(making->of_cause[KNOWN_AS]) && PyBytes_Check(making->of_cause[SAID]))
        return true;
    PyErr_SetString(PyExc_TypeError, "a cause is told in bytes");
    return false;
}

/* Has the cause of a line at hand; false where Python decides of it, or with an exception set. */
static bool find_cause(Making *making, const FaultLine *line)
{
    if (!making->cause || !is_of_last_cause(making, line)) {
        Py_XSETREF(making->cause, ask_for_cause(making, line));
        Py_CLEAR(making->group); /* which names the function */
        if (!making->cause || (making->cause != Py_None && !take_attributes(making)))
            return false;
        memcpy(making->last.common, line->common, sizeof(line->common));
    }
    return making->cause != Py_None;
}

/* The shard of a record, that its id names before a colon. */
static Slice shard_of(const FaultLine *line)
{
    const char *start = line->record_id.start, *colon = memchr(start, ':', slice_length(line->record_id));
    return (Slice){start, colon ? colon : start};
}

static PyObject *group_of(Making *making, const FaultLine *line)
{
    Slice shard = shard_of(line), last = making->group ? shard_of(&making->last) : shard;
    if (making->group && slice_equal(making->last.arn, line->arn) && slice_equal(last, shard))
        return Py_NewRef(making->group);
    Slice function = {NULL, NULL};
    Py_ssize_t length;
    function.start = PyUnicode_AsUTF8AndSize(making->of_cause[FUNCTION], &length);
    if (!function.start)
        return NULL;
    function.end = function.start + length;
    const Slice parts[] = {function, line->arn, shard};
    Py_XSETREF(making->group, joined_text(parts, COUNT(parts)));
    making->last.arn = line->arn;
    making->last.record_id = line->record_id;
    return Py_XNewRef(making->group);
}

static PyObject *type_of(Making *making, const FaultLine *line)
{
    if (!making->type || !slice_equal(making->last.type, line->type)) {
        Py_XSETREF(making->type, text_of(line->type));
        making->last.type = line->type;
    }
    return Py_XNewRef(making->type);
}

static bool set_texts(Making *making, const FaultLine *line, PyObject **made)
{
    const Slice key[] = {line->arn, line->key};
    return (made[BODY] = bytes_of(line->record)) && (made[KEY] = joined_text(key, COUNT(key))) &&
           (made[SEQUENCE] = text_of(line->sequence)) &&
           (made[EVENT_ID] = text_of(line->id.start ? line->id : line->record_id)) &&
           (made[GROUP] = group_of(making, line)) && (made[KEYS] = PyTuple_Pack(1, made[KEY])) &&
           (made[SEQUENCES] = PyTuple_Pack(1, made[SEQUENCE]));
}

static bool set_rest(const Making *making, Py_ssize_t number, PyObject **made)
{
    made[OBJECT] = Py_NewRef(making->object);
    made[PART] = Py_NewRef(zero);
    made[PLACE] = Py_NewRef(zero);
    made[OF_FUNCTION] = Py_NewRef(making->of_cause[FUNCTION]);
    made[IS_ALONE] = Py_NewRef(making->is_alone);
    made[SOURCE] = Py_NewRef(making->source);
    made[OF_CAUSE] = Py_NewRef(making->of_cause[FINGERPRINT]);
    made[OF_PIPELINE] = Py_NewRef(making->of_cause[PIPELINE]);
    return (made[LINE] = PyLong_FromSsize_t(number));
}

static PyObject *unit_of(Making *making, const FaultLine *line, Py_ssize_t number)
{
    PyObject *made[FIELDS] = {NULL}, *unit = NULL;
    if (set_texts(making, line, made) && set_digests(making, line, made) && set_rest(making, number, made))
        unit = PyObject_Vectorcall(making->make, made, PLACED, field_names);
    for (int at = 0; at < FIELDS; at++)
        Py_XDECREF(made[at]);
    return unit;
}

/* Milliseconds in at most 14 digits. */
static long long time_of(const FaultLine *line)
{
    long long ms = 0;
    for (const char *at = line->time.start; at < line->time.end; at++)
        ms = ms * 10 + (*at - '0');
    return ms;
}

static PyObject *id_of(const FaultLine *line)
{
    return line->id.start ? text_of(line->id) : Py_NewRef(Py_None);
}

/* The unit of a line with its cause, the event's type, and the fault's time and id; NULL where it is not usual. */
static PyObject *found_in(Making *making, const char *start, const char *end, Py_ssize_t number)
{
    FaultLine line;
    if (!utf8_is_valid(start, end - start) || !fault_line_read(start, end, &line))
        return NULL;
    if (time_of(&line) >= making->until_ms || !find_cause(making, &line))
        return NULL;
    PyObject *unit = unit_of(making, &line, number), *found = NULL, *type = unit ? type_of(making, &line) : NULL;
    PyObject *time = type ? PyLong_FromLongLong(time_of(&line)) : NULL;
    PyObject *id = time ? id_of(&line) : NULL;
    if (id)
        found = PyTuple_Pack(5, unit, making->cause, type, time, id);
    Py_XDECREF(unit);
    Py_XDECREF(type);
    Py_XDECREF(time);
    Py_XDECREF(id);
    return found;
}

static bool append_units(PyObject *found, Making *making, Slice data, Py_ssize_t number)
{
    for (const char *start = data.start; start < data.end; number++) {
        const char *newline = memchr(start, '\n', data.end - start), *end = newline ? newline : data.end;
        PyObject *one = found_in(making, start, end, number);
        if (!one && PyErr_Occurred())
            return false;
        int failed = PyList_Append(found, one ? one : Py_None);
        Py_XDECREF(one);
        if (failed)
            return false;
        start = end + 1;
    }
    return true;
}

static void release(Making *making)
{
    Py_XDECREF(making->source);
    Py_XDECREF(making->cause);
    Py_XDECREF(making->group);
    Py_XDECREF(making->type);
    for (int at = 0; at < ATTRIBUTES; at++)
        Py_XDECREF(making->of_cause[at]);
}

PyObject *read_units(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    if (!has_arguments(count, 8))
        return NULL;
    char *data;
    Py_ssize_t length, first_line = PyLong_AsSsize_t(arguments[4]);
    long long until_ms = PyErr_Occurred() ? 0 : PyLong_AsLongLong(arguments[7]);
    if (PyErr_Occurred() || PyBytes_AsStringAndSize(arguments[3], &data, &length) < 0)
        return NULL;
    Making making = {.make = arguments[0], .cause_of = arguments[1], .sha256 = arguments[2], .object = arguments[5],
                     .is_alone = arguments[6], .until_ms = until_ms, .source = PyUnicode_InternFromString("kinesis")};
    PyObject *found = making.source ? PyList_New(0) : NULL;
    if (found && !append_units(found, &making, (Slice){data, data + length}, first_line))
        Py_CLEAR(found);
    release(&making);
    return found;
}
