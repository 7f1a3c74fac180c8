#include "unwritten.h"

#include <string.h>

#include "base64.h"
#include "json.h"

/* In this range msgspec writes seconds with a decimal point and no exponent, and milliseconds are exact in them. */
#define SHORTEST_MS 1000LL
#define LONGEST_MS 999999999999999LL
#define LONGEST_SECONDS 24

typedef struct {
    PyObject_HEAD
    PyObject *parts[PARTS];
    long long arrival_ms;
    Py_ssize_t length;
} Unwritten;

typedef struct {
    const char *text;
    Py_ssize_t length;
} Piece;

#define LITERAL(text) {text, sizeof(text) - 1}

/* A text as UTF-8; false with an exception set. */
static bool utf8(PyObject *object, Piece *piece)
{
    piece->text = PyUnicode_AsUTF8AndSize(object, &piece->length);
    return piece->text;
}

/* Whether a text stands in JSON as it is. */
static bool is_plain(PyObject *object)
{
    Piece piece;
    return PyUnicode_Check(object) && utf8(object, &piece) && json_is_plain(piece.text, piece.length);
}

/* Milliseconds as seconds, as short as they can be written: `1523159608.5`. Fills a buffer from its end. */
static Piece seconds(long long ms, char *buffer)
{
    char *start = buffer + LONGEST_SECONDS, *end = start;
    for (int decimals = 3; ms; decimals--, ms /= 10) {
        if (decimals == 0)
            *--start = '.';
        *--start = (char)('0' + ms % 10);
        if (decimals > 1 && *start == '0' && start + 1 == end)
            end = start;
    }
    return (Piece){start, end - start};
}

static char *put(char *to, Piece piece)
{
    memcpy(to, piece.text, piece.length);
    return to + piece.length;
}

/* Writes the JSON of one to a place, or just measures it where that is NULL; its length, or -1 with an exception set. */
static Py_ssize_t write_one(const Unwritten *one, char *to)
{
    Piece key, sequence, shard;
    Py_buffer name;
    char buffer[LONGEST_SECONDS];
    if (!utf8(one->parts[KEY], &key) || !utf8(one->parts[SEQUENCE], &sequence) || !utf8(one->parts[SHARD], &shard) ||
        PyObject_GetBuffer(one->parts[NAME], &name, PyBUF_SIMPLE) < 0)
        return -1;
    enum { AFTER_DATA = 5 };
    const Piece pieces[] = {
        LITERAL("{\"kinesis\":{\"kinesisSchemaVersion\":\"1.0\",\"partitionKey\":\""), key,
        LITERAL("\",\"sequenceNumber\":\""), sequence, LITERAL("\",\"data\":\""),
        LITERAL("\",\"approximateArrivalTimestamp\":"), seconds(one->arrival_ms, buffer),
        LITERAL("},\"eventSource\":\"aws:kinesis\",\"eventVersion\":\"1.0\",\"eventID\":\""), shard, LITERAL(":"),
        sequence, LITERAL("\",\"eventName\":"), {name.buf, name.len}, LITERAL("}"),
    };
    PyObject *data = one->parts[DATA];
    Py_ssize_t length = (Py_ssize_t)base64_length(PyBytes_GET_SIZE(data));
    for (int at = 0; at < (int)COUNT(pieces); at++)
        length += pieces[at].length;
    if (to && length != one->length) {
        PyErr_SetString(PyExc_RuntimeError, "what a record is made of has changed");
        length = -1;
    }
    for (int at = 0; to && length >= 0 && at < (int)COUNT(pieces); at++) {
        if (at == AFTER_DATA)
            to = base64_write(to, (const unsigned char *)PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data));
        to = put(to, pieces[at]);
    }
    PyBuffer_Release(&name);
    return length;
}

PyObject *unwritten_of(PyObject *const *parts, PyObject *arrival)
{
    int overflow;
    if (!PyLong_Check(arrival))
        return NULL;
    long long ms = PyLong_AsLongLongAndOverflow(arrival, &overflow);
    if (overflow || ms < SHORTEST_MS || ms > LONGEST_MS)
        return NULL;
    for (int at = KEY; at <= SHARD; at++)
        if (!is_plain(parts[at]))
            return NULL;
    Unwritten *one = PyObject_New(Unwritten, &unwritten_type);
    if (!one)
        return NULL;
    for (int at = 0; at < PARTS; at++)
        one->parts[at] = at == DATA ? PyBytes_FromObject(parts[DATA]) : Py_NewRef(parts[at]);
    one->arrival_ms = ms;
    one->length = one->parts[DATA] ? write_one(one, NULL) : -1;
    if (one->length < 0)
        Py_CLEAR(one);
    return (PyObject *)one;
}

static void dealloc(Unwritten *one)
{
    for (int at = 0; at < PARTS; at++)
        Py_XDECREF(one->parts[at]);
    PyObject_Free(one);
}

static Py_ssize_t length_of(Unwritten *one)
{
    return one->length;
}

static PyObject *written(Unwritten *one)
{
    PyObject *json = PyBytes_FromStringAndSize(NULL, one->length);
    if (json && write_one(one, PyBytes_AS_STRING(json)) < 0)
        Py_CLEAR(json);
    return json;
}

static int get_buffer(Unwritten *one, Py_buffer *view, int flags)
{
    PyObject *json = written(one);
    view->obj = NULL;
    int failed = json ? PyObject_GetBuffer(json, view, flags) : -1;
    Py_XDECREF(json);
    return failed;
}

/* It is sent between processes as the bytes that it stands for. */
static PyObject *reduce(Unwritten *one, PyObject *Py_UNUSED(none))
{
    return Py_BuildValue("O(N)", (PyObject *)&PyBytes_Type, written(one));
}

static PyObject *compare(PyObject *one, PyObject *other, int operation)
{
    if (!PyObject_CheckBuffer(other))
        Py_RETURN_NOTIMPLEMENTED;
    PyObject *left = PyBytes_FromObject(one), *right = left ? PyBytes_FromObject(other) : NULL;
    PyObject *result = right ? PyObject_RichCompare(left, right, operation) : NULL;
    Py_XDECREF(left);
    Py_XDECREF(right);
    return result;
}

static PyMethodDef methods[] = {
    {"__reduce__", (PyCFunction)reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PySequenceMethods as_sequence = {.sq_length = (lenfunc)length_of};
static PyBufferProcs as_buffer = {.bf_getbuffer = (getbufferproc)get_buffer};

PyTypeObject unwritten_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "cncbops.native.hot.Unwritten",
    .tp_basicsize = sizeof(Unwritten),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = (destructor)dealloc,
    .tp_hash = PyObject_HashNotImplemented,
    .tp_richcompare = compare,
    .tp_as_sequence = &as_sequence,
    .tp_as_buffer = &as_buffer,
    .tp_methods = methods,
};

/* The length of a body, which is bytes or unwritten; -1 with an exception set. */
static Py_ssize_t body_length(PyObject *body)
{
    if (Py_TYPE(body) == &unwritten_type)
        return ((Unwritten *)body)->length;
    if (PyBytes_Check(body))
        return PyBytes_GET_SIZE(body);
    PyErr_SetString(PyExc_TypeError, "a body is bytes, or unwritten");
    return -1;
}

/* Writes a body; returns the place behind it, NULL with an exception set. */
static char *put_body(char *to, PyObject *body)
{
    if (PyBytes_Check(body))
        return put(to, (Piece){PyBytes_AS_STRING(body), PyBytes_GET_SIZE(body)});
    Py_ssize_t length = write_one((Unwritten *)body, to);
    return length < 0 ? NULL : to + length;
}

static bool put_payload(char *to, PyObject *const *bodies, Py_ssize_t count, Piece head, Piece tail)
{
    to = put(to, head);
    for (Py_ssize_t at = 0; to && at < count; at++) {
        if (at)
            *to++ = ',';
        to = put_body(to, bodies[at]);
    }
    if (to)
        put(to, tail);
    return to;
}

static PyObject *payload_of(PyObject *const *bodies, Py_ssize_t count, Piece head, Piece tail)
{
    Py_ssize_t length = head.length + tail.length + (count ? count - 1 : 0);
    for (Py_ssize_t at = 0; at < count; at++) {
        Py_ssize_t more = body_length(bodies[at]);
        if (more < 0)
            return NULL;
        length += more;
    }
    PyObject *whole = PyBytes_FromStringAndSize(NULL, length);
    if (whole && !put_payload(PyBytes_AS_STRING(whole), bodies, count, head, tail))
        Py_CLEAR(whole);
    return whole;
}

static bool bytes_of(PyObject *object, Piece *piece)
{
    char *text;
    bool is_bytes = PyBytes_AsStringAndSize(object, &text, &piece->length) == 0;
    piece->text = text;
    return is_bytes;
}

PyObject *payload(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    Piece head, tail;
    if (!has_arguments(count, 3) || !bytes_of(arguments[0], &head) || !bytes_of(arguments[2], &tail))
        return NULL;
    PyObject *bodies = PySequence_Fast(arguments[1], "bodies are a sequence");
    PyObject *whole = bodies ? payload_of(PySequence_Fast_ITEMS(bodies), PySequence_Fast_GET_SIZE(bodies), head, tail)
                             : NULL;
    Py_XDECREF(bodies);
    return whole;
}
