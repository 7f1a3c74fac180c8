/* A bit for each digest, somewhere among many: what has none was never marked, what has one may have been. */

#include "native.h"

#include <stdint.h>


typedef struct {
    Py_buffer bits, digests;
    size_t count;
} Arguments;

/* False with an exception set; else to be released. */
static bool read_arguments(PyObject *given, Arguments *arguments)
{
    if (!PyArg_ParseTuple(given, "w*y*", &arguments->bits, &arguments->digests))
        return false;
    arguments->count = arguments->digests.len / DIGEST_BYTES;
    if (arguments->bits.len && arguments->digests.len % DIGEST_BYTES == 0)
        return true;
    PyErr_SetString(PyExc_ValueError, "no bits, or no digests end to end");
    PyBuffer_Release(&arguments->bits);
    PyBuffer_Release(&arguments->digests);
    return false;
}

static void release(Arguments *arguments)
{
    PyBuffer_Release(&arguments->bits);
    PyBuffer_Release(&arguments->digests);
}

/* The byte that holds a digest's bit, and that bit. */
static unsigned char *find(const Arguments *arguments, size_t at, unsigned char *bit)
{
    uint64_t number;
    memcpy(&number, (const char *)arguments->digests.buf + at * DIGEST_BYTES, sizeof(number));
    *bit = 1 << (number & 7);
    return (unsigned char *)arguments->bits.buf + (number >> 3) % arguments->bits.len;
}

PyObject *mark_digests(PyObject *Py_UNUSED(module), PyObject *given)
{
    Arguments arguments;
    unsigned char bit;
    if (!read_arguments(given, &arguments))
        return NULL;
    for (size_t at = 0; at < arguments.count; at++)
        *find(&arguments, at, &bit) |= bit;
    release(&arguments);
    Py_RETURN_NONE;
}

PyObject *marked_digests(PyObject *Py_UNUSED(module), PyObject *given)
{
    Arguments arguments;
    unsigned char bit;
    if (!read_arguments(given, &arguments))
        return NULL;
    PyObject *found = PyList_New(0);
    for (size_t at = 0; found && at < arguments.count; at++)
        if (*find(&arguments, at, &bit) & bit && !append_number(found, at))
            Py_CLEAR(found);
    release(&arguments);
    return found;
}
