/* The body of an invocation. */

#include "native.h"

#include "unwritten.h"

static char *put_bytes(char *to, PyObject *bytes)
{
    memcpy(to, PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes));
    return to + PyBytes_GET_SIZE(bytes);
}

static void put_payload(char *to, PyObject *const *bodies, Py_ssize_t count, PyObject *head, PyObject *tail)
{
    to = put_bytes(to, head);
    for (Py_ssize_t at = 0; at < count; at++) {
        if (at)
            *to++ = ',';
        to = put_body(to, bodies[at]);
    }
    put_bytes(to, tail);
}

static PyObject *payload_of(PyObject *const *bodies, Py_ssize_t count, PyObject *head, PyObject *tail)
{
    Py_ssize_t length = PyBytes_GET_SIZE(head) + PyBytes_GET_SIZE(tail) + (count ? count - 1 : 0);
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

PyObject *payload(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *head, *tail, *bodies;
    if (!PyArg_ParseTuple(arguments, "SOS", &head, &bodies, &tail))
        return NULL;
    bodies = PySequence_Fast(bodies, "bodies are a sequence");
    PyObject *whole = bodies ? payload_of(PySequence_Fast_ITEMS(bodies), PySequence_Fast_GET_SIZE(bodies), head, tail)
                             : NULL;
    Py_XDECREF(bodies);
    return whole;
}
