#include "unwritten.h"

#include "base64.h"

/* In this range msgspec writes seconds with a decimal point and no exponent, and milliseconds are exact in them. */
#define SHORTEST_MS 1000LL
#define LONGEST_MS 999999999999999LL
#define LONGEST_SECONDS 24

/* The texts lie one behind another in one piece of memory: key, sequence number, shard, arrival, event. */
typedef struct {
    PyObject_VAR_HEAD
    PyObject *name;
    Py_ssize_t key_length, sequence_length, shard_length, arrival_length;
    Py_ssize_t json_length;
    char texts[];
} Unwritten;

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

/* What stands before each text in the JSON; the name is followed by the end. */
#define BEFORE_KEY "{\"kinesis\":{\"kinesisSchemaVersion\":\"1.0\",\"partitionKey\":\""
#define BEFORE_SEQUENCE "\",\"sequenceNumber\":\""
#define BEFORE_EVENT "\",\"data\":\""
#define BEFORE_ARRIVAL "\",\"approximateArrivalTimestamp\":"
#define BEFORE_SHARD "},\"eventSource\":\"aws:kinesis\",\"eventVersion\":\"1.0\",\"eventID\":\""
#define BEFORE_SEQUENCE_AGAIN ":"
#define BEFORE_NAME "\",\"eventName\":"
#define END "}"

static const char FRAME[] =
    BEFORE_KEY BEFORE_SEQUENCE BEFORE_EVENT BEFORE_ARRIVAL BEFORE_SHARD BEFORE_SEQUENCE_AGAIN BEFORE_NAME END;

#define PUT(to, literal) text_put(to, (Text){literal, sizeof(literal) - 1})

static Py_ssize_t event_length(const Unwritten *one)
{
    return Py_SIZE(one) - one->key_length - one->sequence_length - one->shard_length - one->arrival_length;
}

static Py_ssize_t measured(const Unwritten *one)
{
    return (Py_ssize_t)(sizeof(FRAME) - 1 + base64_length(event_length(one))) + one->key_length +
           2 * one->sequence_length + one->arrival_length + one->shard_length + PyBytes_GET_SIZE(one->name);
}

/* Writes the JSON of one; returns the place behind it. */
static char *write_one(char *to, const Unwritten *one)
{
    const Text key = {one->texts, one->key_length};
    const Text sequence = {key.start + key.length, one->sequence_length};
    const Text shard = {sequence.start + sequence.length, one->shard_length};
    const Text arrival = {shard.start + shard.length, one->arrival_length};
    const char *event = arrival.start + arrival.length;
    to = text_put(PUT(to, BEFORE_KEY), key);
    to = text_put(PUT(to, BEFORE_SEQUENCE), sequence);
    to = base64_write(PUT(to, BEFORE_EVENT), (const unsigned char *)event, event_length(one));
    to = text_put(PUT(to, BEFORE_ARRIVAL), arrival);
    to = text_put(PUT(to, BEFORE_SHARD), shard);
    to = text_put(PUT(to, BEFORE_SEQUENCE_AGAIN), sequence);
    to = text_put(PUT(to, BEFORE_NAME), (Text){PyBytes_AS_STRING(one->name), PyBytes_GET_SIZE(one->name)});
    return PUT(to, END);
}

PyObject *unwritten_of(const Parts *parts)
{
    if (parts->arrival_ms < SHORTEST_MS || parts->arrival_ms > LONGEST_MS)
        return NULL;
    char buffer[LONGEST_SECONDS];
    const Text texts[] = {parts->key, parts->sequence, parts->shard, seconds(parts->arrival_ms, buffer), parts->event};
    Py_ssize_t length = 0;
    for (size_t at = 0; at < COUNT(texts); at++)
        length += texts[at].length;
    Unwritten *one = PyObject_NewVar(Unwritten, &unwritten_type, length);
    if (!one)
        return NULL;
    one->name = Py_NewRef(parts->name);
    one->key_length = texts[0].length;
    one->sequence_length = texts[1].length;
    one->shard_length = texts[2].length;
    one->arrival_length = texts[3].length;
    char *to = one->texts;
    for (size_t at = 0; at < COUNT(texts); at++)
        to = text_put(to, texts[at]);
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
        return text_put(to, (Text){PyBytes_AS_STRING(body), PyBytes_GET_SIZE(body)});
    return write_one(to, (Unwritten *)body);
}
