/* Two bits for each digest, somewhere among many: what lacks one was never marked, what has both may have been. */

#include "native.h"

#include <stdint.h>

typedef struct {
    Py_buffer bits, digests;
    Py_ssize_t step; /* from digest to digest */
} Arguments;

static void release(Arguments *arguments)
{
    PyBuffer_Release(&arguments->bits);
    PyBuffer_Release(&arguments->digests);
}

/* False with an exception set, and nothing to be released. */
static bool are_whole(Arguments *arguments)
{
    if (arguments->bits.len && arguments->step >= DIGEST_BYTES && arguments->digests.len % arguments->step == 0)
        return true;
    PyErr_SetString(PyExc_ValueError, "no bits, or no digests end to end");
    release(arguments);
    return false;
}

enum { BITS = 2 }; /* of each digest, by its two halves */

typedef struct {
    unsigned char *byte, bit;
} Bit;

static Bit find(const Arguments *arguments, Py_ssize_t at, size_t half)
{
    const unsigned char *bytes = (const unsigned char *)arguments->digests.buf + at + half * (DIGEST_BYTES / BITS);
    uint64_t number = 0;
    for (size_t place = 0; place < sizeof(number); place++) /* alike on all machines: the bits are kept in files */
        number |= (uint64_t)bytes[place] << 8 * place;
    return (Bit){(unsigned char *)arguments->bits.buf + (number >> 3) % arguments->bits.len, 1 << (number & 7)};
}

static void mark(const Arguments *arguments, Py_ssize_t at)
{
    for (size_t half = 0; half < BITS; half++) {
        Bit found = find(arguments, at, half);
        *found.byte |= found.bit;
    }
}

static bool is_marked(const Arguments *arguments, Py_ssize_t at)
{
    for (size_t half = 0; half < BITS; half++) {
        Bit found = find(arguments, at, half);
        if (!(*found.byte & found.bit))
            return false;
    }
    return true;
}

PyObject *mark_digests(PyObject *Py_UNUSED(module), PyObject *given)
{
    Arguments arguments;
    if (!PyArg_ParseTuple(given, "w*y*n", &arguments.bits, &arguments.digests, &arguments.step) ||
        !are_whole(&arguments))
        return NULL;
    for (Py_ssize_t at = 0; at < arguments.digests.len; at += arguments.step)
        mark(&arguments, at);
    release(&arguments);
    Py_RETURN_NONE;
}

PyObject *marked_digests(PyObject *Py_UNUSED(module), PyObject *given)
{
    Arguments arguments = {.step = DIGEST_BYTES};
    if (!PyArg_ParseTuple(given, "y*y*", &arguments.bits, &arguments.digests) || !are_whole(&arguments))
        return NULL;
    PyObject *found = PyList_New(0);
    for (Py_ssize_t at = 0; found && at < arguments.digests.len; at += arguments.step)
        if (is_marked(&arguments, at) && !append_number(found, at / arguments.step))
            Py_CLEAR(found);
    release(&arguments);
    return found;
}
