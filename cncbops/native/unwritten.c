#include "unwritten.h"

#include "base64.h"

/* In this range msgspec writes seconds with a decimal point and no exponent, and milliseconds are exact in them. */
#define SHORTEST_MS 1000LL
#define LONGEST_MS 999999999999999LL
#define LONGEST_SECONDS 24

/* The texts lie one behind another in one piece of memory: key, sequence number, shard, event. */
typedef struct {
    PyObject_VAR_HEAD
    PyObject *name;
    long long arrival_ms;
    Py_ssize_t key_length, sequence_length, shard_length;
    Py_ssize_t json_length;
    char texts[];
} Unwritten;

static char *put(char *to, Text text)
{
    memcpy(to, text.start, text.length);
    return to + text.length;
}

/* Milliseconds as seconds, as short as they can be written: `1523159608.5`. Fills a buffer from its end. */
static Text seconds(long long ms, char *buffer)
{
    char *start = buffer + LONGEST_SECONDS, *end = start;
    for (int decimals = 3; ms; decimals--, ms /= 10) {
        if (decimals == 0)
            *--start = '.';
        *--start = (char)('0' + ms % 10);
        if (decimals > 1 && *start == '0' && start + 1 == end)
            end = start;
    }
    return (Text){start, end - start};
}

static Text event_in(const Unwritten *one)
{
    Py_ssize_t before = one->key_length + one->sequence_length + one->shard_length;
    return (Text){one->texts + before, Py_SIZE(one) - before};
}

#define LITERAL(text) {text, sizeof(text) - 1}

enum { BEFORE_EVENT = 5, PIECES = 14 };

/* What its JSON is, but for the event in base64 behind the first BEFORE_EVENT. */
static void pieces_of(const Unwritten *one, char *buffer, Text *pieces)
{
    const Text key = {one->texts, one->key_length};
    const Text sequence = {key.start + key.length, one->sequence_length};
    const Text shard = {sequence.start + sequence.length, one->shard_length};
    const Text all[PIECES] = {
        LITERAL("{\"kinesis\":{\"kinesisSchemaVersion\":\"1.0\",\"partitionKey\":\""), key,
        LITERAL("\",\"sequenceNumber\":\""), sequence, LITERAL("\",\"data\":\""),
        LITERAL("\",\"approximateArrivalTimestamp\":"), seconds(one->arrival_ms, buffer),
        LITERAL("},\"eventSource\":\"aws:kinesis\",\"eventVersion\":\"1.0\",\"eventID\":\""), shard, LITERAL(":"),
        sequence, LITERAL("\",\"eventName\":"), {PyBytes_AS_STRING(one->name), PyBytes_GET_SIZE(one->name)},
        LITERAL("}"),
    };
    memcpy(pieces, all, sizeof(all));
}

static Py_ssize_t measured(const Unwritten *one)
{
    char buffer[LONGEST_SECONDS];
    Text pieces[PIECES];
    Py_ssize_t length = (Py_ssize_t)base64_length(event_in(one).length);
    pieces_of(one, buffer, pieces);
    for (int at = 0; at < PIECES; at++)
        length += pieces[at].length;
    return length;
}

/* Writes the JSON of one; returns the place behind it. */
static char *write_one(char *to, const Unwritten *one)
{
    char buffer[LONGEST_SECONDS];
    Text pieces[PIECES], event = event_in(one);
    pieces_of(one, buffer, pieces);
    for (int at = 0; at < PIECES; at++) {
        if (at == BEFORE_EVENT)
            to = base64_write(to, (const unsigned char *)event.start, event.length);
        to = put(to, pieces[at]);
    }
    return to;
}

PyObject *unwritten_of(const Parts *parts)
{
    if (parts->arrival_ms < SHORTEST_MS || parts->arrival_ms > LONGEST_MS)
        return NULL;
    Py_ssize_t length = parts->key.length + parts->sequence.length + parts->shard.length + parts->event.length;
    Unwritten *one = PyObject_NewVar(Unwritten, &unwritten_type, length);
    if (!one)
        return NULL;
    one->name = Py_NewRef(parts->name);
    one->arrival_ms = parts->arrival_ms;
    one->key_length = parts->key.length;
    one->sequence_length = parts->sequence.length;
    one->shard_length = parts->shard.length;
    put(put(put(put(one->texts, parts->key), parts->sequence), parts->shard), parts->event);
    one->json_length = measured(one);
    return (PyObject *)one;
}

static void dealloc(Unwritten *one)
{
    Py_DECREF(one->name);
    PyObject_Free(one);
}

static Py_ssize_t length_of(Unwritten *one)
{
    return one->json_length;
}

static PyObject *written(Unwritten *one)
{
    PyObject *json = PyBytes_FromStringAndSize(NULL, one->json_length);
    if (json)
        write_one(PyBytes_AS_STRING(json), one);
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
    .tp_basicsize = offsetof(Unwritten, texts),
    .tp_itemsize = 1,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = (destructor)dealloc,
    .tp_hash = PyObject_HashNotImplemented,
    .tp_richcompare = compare,
    .tp_as_sequence = &as_sequence,
    .tp_as_buffer = &as_buffer,
    .tp_methods = methods,
};

Py_ssize_t body_length(PyObject *body)
{
    if (Py_TYPE(body) == &unwritten_type)
        return ((Unwritten *)body)->json_length;
    if (PyBytes_Check(body))
        return PyBytes_GET_SIZE(body);
    PyErr_SetString(PyExc_TypeError, "a body is bytes, or unwritten");
    return -1;
}

char *put_body(char *to, PyObject *body)
{
    if (PyBytes_Check(body))
        return put(to, (Text){PyBytes_AS_STRING(body), PyBytes_GET_SIZE(body)});
    return write_one(to, (Unwritten *)body);
}
