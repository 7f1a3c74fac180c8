#include "fault_causes.h"

#include "alike.h"

static const char *const NAMES[ATTRIBUTES] = {"known_as", "digest", "function", "longest"};
static PyObject *attribute_names[ATTRIBUTES];

bool prepare_fault_causes(void)
{
    return intern_all(attribute_names, NAMES, ATTRIBUTES);
}

Text joined(char buffer[LONGEST_JOINED], const Slice *parts, size_t count)
{
    char *to = buffer;
    for (size_t at = 0; at < count; at++) {
        if (slice_length(parts[at]) >= buffer + LONGEST_JOINED - to)
            return (Text){NULL, 0};
        if (at)
            *to++ = '\0';
        memcpy(to, parts[at].start, slice_length(parts[at]));
        to += slice_length(parts[at]);
    }
    return (Text){buffer, to - buffer};
}

static void forget(FaultCause *cause)
{
    Py_CLEAR(cause->cause);
    cause->stream = (Slice){NULL, NULL};
    for (int at = 0; at < ATTRIBUTES; at++)
        Py_CLEAR(cause->attributes[at]);
    for (int at = 0; at < GROUPS; at++) {
        common_release(cause->of_group[at]);
        cause->of_group[at] = NULL;
    }
}

void fault_causes_release(FaultCauses *causes)
{
    for (int at = 0; at < CAUSES; at++)
        forget(&causes->at_hand[at]);
}

/* What an escape stands for, by its second character; 0 for one of more. */
static char escaped(char second)
{
    switch (second) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return second == 'u' ? 0 : second;
    }
}

/* The text of a JSON string, as many bytes of `room`; none of none. Less than that where it is not so simple. */
static Py_ssize_t read_text(Slice json, char room[LONGEST_FORM])
{
    char *to = room;
    Slice inner = slice_unquoted(json);
    for (const char *at = inner.start; at < inner.end; at++) {
        char byte = *at == '\\' ? escaped(*++at) : *at;
        if (!byte || to == room + LONGEST_FORM)
            return -1;
        *to++ = byte;
    }
    return to - room;
}

static bool is_without_escapes(Slice json)
{
    return !json.start || !memchr(json.start, '\\', slice_length(json));
}

/* What stands for a fault's message: one that is alike, if the digest of the message itself can be made here. */
static Slice form_of(FaultCauses *causes, const FaultLine *line, Slice *message, char room[LONGEST_FORM])
{
    bool may_have = causes->by_shape && is_without_escapes(line->common[ERROR_NAME]);
    Py_ssize_t length = may_have ? read_text(line->common[ERROR_MESSAGE], causes->room) : -1;
    *message = length < 0 ? (Slice){NULL, NULL} : (Slice){causes->room, causes->room + length};
    if (length < 0)
        return line->common[ERROR_MESSAGE];
    write_alike((Text){causes->room, length}, room);
    return (Slice){room, room + length};
}

static bool says_the_same(const FaultCause *cause, const FaultLine *line)
{
    for (int at = 0; at < COMMON; at++)
        if (at != ERROR_MESSAGE && !slice_equal(cause->said[at], line->common[at]))
            return false;
    return true;
}

static PyObject *ask_for_cause(PyObject *cause_of, const FaultLine *line)
{
    PyObject *said[COMMON] = {NULL}, *cause = NULL;
    int at = 0;
    for (; at < COMMON; at++) {
        Slice one = line->common[at];
        said[at] = one.start ? PyBytes_FromStringAndSize(one.start, slice_length(one)) : Py_NewRef(Py_None);
        if (!said[at])
            break;
    }
    if (at == COMMON)
        cause = PyObject_Vectorcall(cause_of, said, COMMON, NULL);
    while (at)
        Py_DECREF(said[--at]);
    return cause;
}

static bool take_attributes(FaultCause *cause)
{
    for (int at = 0; at < ATTRIBUTES; at++)
        if (!(cause->attributes[at] = PyObject_GetAttr(cause->cause, attribute_names[at])))
            return false;
    cause->longest = PyLong_AsSsize_t(cause->attributes[LONGEST]);
    if (PyErr_Occurred())
        return false;
    PyObject *digest = cause->attributes[CAUSE_DIGEST];
    if (PyBytes_Check(cause->attributes[KNOWN_AS]) && PyUnicode_Check(cause->attributes[FUNCTION]) &&
        PyBytes_Check(digest) && PyBytes_GET_SIZE(digest) == DIGEST_BYTES)
        return true;
    PyErr_SetString(PyExc_TypeError, "a cause is told in bytes, by a digest, and of a function");
    return false;
}

/* What forms differ in stands near their end as often as not. */
static FaultCause *place_of(FaultCauses *causes, const FaultLine *line, Slice form)
{
    enum { LOOKED_AT = 16 };
    size_t hash = slice_length(line->common[SAID_FUNCTION]) + slice_length(form);
    for (const char *at = form.end; at > form.start && form.end - at < LOOKED_AT; at--)
        hash = hash * 31 + (unsigned char)at[-1];
    return &causes->at_hand[hash % CAUSES];
}

/* Has a place hold the cause of a fault whose message has a form, or is one. */
static void ask(FaultCauses *causes, FaultCause *cause, const FaultLine *line, Slice form, bool has_form)
{
    forget(cause);
    memcpy(cause->said, line->common, sizeof(cause->said));
    if (has_form)
        memcpy(cause->room, form.start, slice_length(form));
    cause->form = has_form ? (Slice){cause->room, cause->room + slice_length(form)} : form;
    cause->cause = ask_for_cause(causes->cause_of, line);
    if (cause->cause && cause->cause != Py_None && !fault_cause_is_left_out(cause) && !take_attributes(cause))
        Py_CLEAR(cause->cause);
}

/* Where the cause of a fault is held, or was to be. */
static FaultCause *held(FaultCauses *causes, const FaultLine *line, Slice *message)
{
    char room[LONGEST_FORM];
    Slice form = form_of(causes, line, message, room);
    bool has_form = message->start;
    FaultCause *cause = place_of(causes, line, form);
    bool is_alike = (cause->form.start == cause->room) == has_form && slice_equal(cause->form, form);
    if (!cause->cause || !is_alike || !says_the_same(cause, line))
        ask(causes, cause, line, form, has_form);
    return cause;
}

static bool has_message(const FaultCause *cause, const FaultLine *line)
{
    return slice_equal(cause->said[ERROR_MESSAGE], line->common[ERROR_MESSAGE]);
}

FaultCause *fault_cause_of(FaultCauses *causes, const FaultLine *line, Slice *message)
{
    FaultCause *last = causes->last;
    if (!last || !last->cause || !says_the_same(last, line) || !has_message(last, line))
        last = causes->last = held(causes, line, message);
    if (has_message(last, line))
        *message = (Slice){NULL, NULL};
    return last->cause && last->cause != Py_None ? last : NULL;
}

/* The shard of a record, that its id names before a colon. */
static Slice shard_of(const FaultLine *line)
{
    const char *start = line->record_id.start, *colon = memchr(start, ':', slice_length(line->record_id));
    return (Slice){start, colon ? colon : start};
}

Common *fault_common_of(FaultCauses *causes, FaultCause *cause, const FaultLine *line)
{
    Slice function, shard = shard_of(line);
    Py_ssize_t length;
    function.start = PyUnicode_AsUTF8AndSize(cause->attributes[FUNCTION], &length);
    if (!function.start)
        return NULL;
    function.end = function.start + length;
    const Slice parts[] = {function, line->arn, shard};
    char buffer[LONGEST_JOINED];
    Text text = joined(buffer, parts, COUNT(parts));
    if (!text.start)
        return NULL;
    Common **held = &cause->of_group[(unsigned char)text.start[text.length - 1] % GROUPS];
    if (!*held || !text_is((*held)->group_text, text)) {
        PyObject *group = text_object(text, NULL);
        common_release(*held);
        *held = group ? common_of(causes->make, causes->object, group, cause->attributes[FUNCTION], cause->cause,
                                  causes->is_alone) : NULL;
        Py_XDECREF(group);
    }
    return *held;
}
