#include "fault_causes.h"

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

static bool says_the_same(const FaultCause *cause, const FaultLine *line)
{
    for (int at = 0; at < COMMON; at++)
        if (!slice_equal(cause->said[at], line->common[at]))
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

/* What messages of one shape differ in stands near their end as often as not. */
static FaultCause *place_of(FaultCauses *causes, const FaultLine *line)
{
    enum { LOOKED_AT = 16 };
    Slice message = line->common[ERROR_MESSAGE];
    size_t hash = line->common[SAID_FUNCTION].end - line->common[SAID_FUNCTION].start + slice_length(message);
    for (const char *at = message.end; at > message.start && message.end - at < LOOKED_AT; at--)
        hash = hash * 31 + (unsigned char)at[-1];
    return &causes->at_hand[hash % CAUSES];
}

FaultCause *fault_cause_of(FaultCauses *causes, const FaultLine *line)
{
    FaultCause *cause = place_of(causes, line);
    if (!cause->cause || !says_the_same(cause, line)) {
        forget(cause);
        memcpy(cause->said, line->common, sizeof(cause->said));
        cause->cause = ask_for_cause(causes->cause_of, line);
        if (cause->cause && cause->cause != Py_None && !fault_cause_is_left_out(cause) && !take_attributes(cause))
            Py_CLEAR(cause->cause);
    }
    return cause->cause && cause->cause != Py_None ? cause : NULL;
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
