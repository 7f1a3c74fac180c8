/* Sorted entries of one size, of two kinds, in one order: of those that are told by the same bytes, the greatest. */

#include "native.h"

typedef struct {
    const char *at, *end;
} Entries;

typedef struct {
    Entries some, others;
    Py_ssize_t size, told_by;
} Merge;

/* The kind whose next entry comes first; there is one. */
static Entries *first(Merge *merge)
{
    if (merge->some.at == merge->some.end)
        return &merge->others;
    if (merge->others.at == merge->others.end)
        return &merge->some;
    return memcmp(merge->some.at, merge->others.at, merge->size) < 0 ? &merge->some : &merge->others;
}

/* Writes all of both; the end of what was written. */
static char *write_all(Merge *merge, char *const start)
{
    char *last = NULL, *to = start;
    while (merge->some.at < merge->some.end || merge->others.at < merge->others.end) {
        Entries *from = first(merge);
        if (!last || memcmp(last, from->at, merge->told_by) != 0) {
            last = to;
            to += merge->size;
        }
        memcpy(last, from->at, merge->size);
        from->at += merge->size;
    }
    return to;
}

static PyObject *written(Merge *merge)
{
    PyObject *both = PyBytes_FromStringAndSize(
        NULL, (merge->some.end - merge->some.at) + (merge->others.end - merge->others.at));
    if (!both)
        return NULL;
    const char *end = write_all(merge, PyBytes_AS_STRING(both));
    _PyBytes_Resize(&both, end - PyBytes_AS_STRING(both));
    return both;
}

PyObject *merged_entries(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    const char *some, *others;
    Py_ssize_t some_bytes, others_bytes;
    Merge merge;
    if (!PyArg_ParseTuple(arguments, "y#y#nn", &some, &some_bytes, &others, &others_bytes, &merge.size, &merge.told_by))
        return NULL;
    if (merge.told_by < 1 || merge.size < merge.told_by || some_bytes % merge.size || others_bytes % merge.size) {
        PyErr_SetString(PyExc_ValueError, "no entries of that size");
        return NULL;
    }
    merge.some = (Entries){some, some + some_bytes};
    merge.others = (Entries){others, others + others_bytes};
    return written(&merge);
}
