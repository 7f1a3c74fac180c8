/* The body of an invocation. */

#include "native.h"

#include "unwritten.h"

static void put_payload(char *to, PyObject *const *bodies, Py_ssize_t count, Text head, Text tail)
{
    to = text_put(to, head);
    for (Py_ssize_t at = 0; at < count; at++) {
        if (at)
            *to++ = ',';
        to = put_body(to, bodies[at]);
    }
    text_put(to, tail);
}

static PyObject *payload_of(PyObject *const *bodies, Py_ssize_t count, Text head, Text tail)
{
    Py_ssize_t length = head.length + tail.length + (count ? count - 1 : 0);
    for (Py_ssize_t at = 0; at < count; at++) {
        Py_ssize_t more = body_length(bodies[at]);
        if (more < 0)
            return NULL;
        length += more;
    }
    PyObject *whole = PyBytes_FromStringAndSize(NULL, length);
    if (whole)
        put_payload(PyBytes_AS_STRING(whole), bodies, count, head, tail);
    return whole;
}

static bool bytes_of(PyObject *object, Text *text)
{
    char *start;
    bool is_bytes = PyBytes_AsStringAndSize(object, &start, &text->length) == 0;
    text->start = start;
    return is_bytes;
}

PyObject *payload(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    Text head, tail;
    if (!has_arguments(count, 3) || !bytes_of(arguments[0], &head) || !bytes_of(arguments[2], &tail))
        return NULL;
    PyObject *bodies = PySequence_Fast(arguments[1], "bodies are a sequence");
    PyObject *whole = bodies ? payload_of(PySequence_Fast_ITEMS(bodies), PySequence_Fast_GET_SIZE(bodies), head, tail)
                             : NULL;
    Py_XDECREF(bodies);
    return whole;
}
