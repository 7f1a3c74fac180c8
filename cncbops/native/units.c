/* From lines to units of work: for faults that are as nearly all are what `cncbops.faults` does for each. */

#include "native.h"

#include <string.h>

#include "fault_lines.h"

/* A partition key has at most 256 characters; what is longer than this is left to Python. */
#define LONGEST_TEXT 2048

#define SHA256_BYTES 32
#define DIGEST_BYTES 16

/* What is taken of a Cause (see `cncbops.session.causes`). */
enum { KNOWN_AS, SAID, FUNCTION, FINGERPRINT, PIPELINE, ATTRIBUTES };
static const char *const ATTRIBUTE_NAMES[ATTRIBUTES] = {"known_as", "said", "function", "fingerprint", "pipeline"};

/* The fields of a Unit that are given: those that have a place, then those that have a name. */
enum { BODY, KEY, SEQUENCE, EVENT_ID, OBJECT, LINE, PART, GROUP, PLACE, OF_FUNCTION, PLACED };
enum { IS_ALONE = PLACED, KEYS, SEQUENCES, SOURCE, FAULT, RECORDS, OF_CAUSE, OF_PIPELINE, FIELDS };
static const char *const FIELD_NAMES[FIELDS - PLACED] = {"is_alone", "keys", "names", "source", "fault", "records",
                                                         "fingerprint", "pipeline"};

static PyObject *attribute_names[ATTRIBUTES], *field_names, *digest_name, *zero;

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
    digest_name = PyUnicode_InternFromString("digest");
    zero = PyLong_FromLong(0);
    return field_names && digest_name && zero;
}

static Slice bytes_slice(PyObject *bytes)
{
    const char *start = PyBytes_AS_STRING(bytes);
    return (Slice){start, start + PyBytes_GET_SIZE(bytes)};
}

static char *put(char *to, Slice slice)
{
    memcpy(to, slice.start, slice_length(slice));
    return to + slice_length(slice);
}

/* Some texts, each but the first behind a zero byte. */
static ptrdiff_t joined_length(const Slice *parts, size_t count)
{
    ptrdiff_t length = (ptrdiff_t)count - 1;
    for (size_t at = 0; at < count; at++)
        length += slice_length(parts[at]);
    return length;
}

static void put_joined(char *to, const Slice *parts, size_t count)
{
    for (size_t at = 0; at < count; at++) {
        if (at)
            *to++ = '\0';
        to = put(to, parts[at]);
    }
}

static PyObject *joined_text(const Slice *parts, size_t count)
{
    char buffer[LONGEST_TEXT];
    ptrdiff_t length = joined_length(parts, count);
    if (length > LONGEST_TEXT)
        return NULL;
    put_joined(buffer, parts, count);
    return PyUnicode_DecodeUTF8(buffer, length, NULL);
}

static PyObject *text_of(Slice slice)
{
    return PyUnicode_DecodeUTF8(slice.start, slice_length(slice), NULL);
}

static PyObject *bytes_of(Slice slice)
{
    return PyBytes_FromStringAndSize(slice.start, slice_length(slice));
}

/* The SHA-256 of some texts as they are joined. */
static bool sha256_of(PyObject *sha256, const Slice *parts, size_t count, char *digest)
{
    PyObject *text = PyBytes_FromStringAndSize(NULL, joined_length(parts, count));
    if (!text)
        return false;
    put_joined(PyBytes_AS_STRING(text), parts, count);
    PyObject *hash = PyObject_CallOneArg(sha256, text);
    PyObject *found = hash ? PyObject_CallMethodNoArgs(hash, digest_name) : NULL;
    bool is_digest = found && PyBytes_Check(found) && PyBytes_GET_SIZE(found) == SHA256_BYTES;
    if (is_digest)
        memcpy(digest, PyBytes_AS_STRING(found), SHA256_BYTES);
    else if (found)
        PyErr_SetString(PyExc_TypeError, "no SHA-256");
    Py_DECREF(text);
    Py_XDECREF(hash);
    Py_XDECREF(found);
    return is_digest;
}

static PyObject *digest_of(PyObject *sha256, const Slice *parts, size_t count)
{
    char digest[SHA256_BYTES];
    return sha256_of(sha256, parts, count, digest) ? PyBytes_FromStringAndSize(digest, DIGEST_BYTES) : NULL;
}

/* A record's id and its event, which stand for it, as one text. It is the caller's to release. */
static PyObject *own_of(const FaultLine *line)
{
    PyObject *own = PyBytes_FromStringAndSize(NULL, slice_length(line->record_id) + 1 + slice_length(line->data));
    if (own) {
        char *to = put(PyBytes_AS_STRING(own), line->record_id);
        *to = ' ';
        put(to + 1, line->data);
    }
    return own;
}

/* What stands for the id of a fault that has none (see `_content` in `cncbops.faults.identity`). */
static bool write_content(const Making *making, const FaultLine *line, Slice own, char *hexadecimal)
{
    const Slice said[] = {line->time, bytes_slice(making->of_cause[SAID]), own};
    char digest[SHA256_BYTES];
    if (!sha256_of(making->sha256, said, COUNT(said), digest))
        return false;
    for (int at = 0; at < SHA256_BYTES; at++) {
        *hexadecimal++ = "0123456789abcdef"[(unsigned char)digest[at] >> 4];
        *hexadecimal++ = "0123456789abcdef"[digest[at] & 15];
    }
    return true;
}

/* Sets what tells the fault and its record from all others. */
static bool set_digests(const Making *making, const FaultLine *line, PyObject **made)
{
    PyObject *own = own_of(line);
    if (!own)
        return false;
    char content[2 * SHA256_BYTES];
    Slice known_as = bytes_slice(making->of_cause[KNOWN_AS]), id = line->id;
    if (!id.start && write_content(making, line, bytes_slice(own), content))
        id = (Slice){content, content + sizeof(content)};
    const Slice fault[] = {known_as, id}, record[] = {known_as, line->arn, bytes_slice(own)};
    if (id.start)
        made[FAULT] = digest_of(making->sha256, fault, COUNT(fault));
    PyObject *of_record = made[FAULT] ? digest_of(making->sha256, record, COUNT(record)) : NULL;
    made[RECORDS] = of_record ? PyTuple_Pack(1, of_record) : NULL;
    Py_XDECREF(of_record);
    Py_DECREF(own);
    return made[RECORDS];
}

static bool is_of_last_cause(const Making *making, const FaultLine *line)
{
    for (int at = 0; at < COMMON; at++) {
        Slice last = making->last.common[at], now = line->common[at];
        if (!last.start != !now.start || !slice_equal(last, now))
            return false;
    }
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
    if (!fault_line_read(start, end, &line) || time_of(&line) >= making->until_ms || !find_cause(making, &line))
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
