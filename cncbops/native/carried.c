/* Packed records end to end, on their way to another process: what they have in common beside them, once for many. */

#include "native.h"

#include <stddef.h>

#include "packed_record.h"
#include "packed_unit.h"

/* Those before it came from some objects of the lake, each in some groups: what is further back is told anew. */
#define FURTHEST 32

/* How each begins: which of the commons is its own, and how long its texts are. */
typedef struct {
    Py_ssize_t common, length;
} Head;

static Py_ssize_t fields_of(const PyTypeObject *kind)
{
    return kind->tp_basicsize - offsetof(Packed, place);
}

static Py_ssize_t length_of(const Packed *one)
{
    return sizeof(Head) + fields_of(Py_TYPE(one)) + Py_SIZE(one);
}

/* All of a tuple as they lie there, and each other thing that they have in common, in the order in which they come. */
typedef struct {
    PyObject *records, *commons;
    const Common **known;
    Py_ssize_t count, length;
} Packing;

static PyObject *common_told(const Packed *one)
{
    const Common *common = one->common;
    return Py_BuildValue("OOOOOOO", Py_TYPE(one), common->make, common->object, common->group, common->function,
                         common->own, common->is_alone ? Py_True : Py_False);
}

/* The number of what one has in common with others; -1 with an exception set. */
static Py_ssize_t common_number(Packing *packing, const Packed *one)
{
    for (Py_ssize_t at = packing->count; at > 0 && at > packing->count - FURTHEST; at--)
        if (packing->known[at - 1] == one->common)
            return at - 1;
    PyObject *told = common_told(one);
    bool is_kept = told && PyList_Append(packing->commons, told) == 0;
    Py_XDECREF(told);
    if (!is_kept)
        return -1;
    packing->known[packing->count] = one->common;
    return packing->count++;
}

static bool put_all(Packing *packing, char *to)
{
    for (Py_ssize_t at = 0; at < PyTuple_GET_SIZE(packing->records); at++) {
        const Packed *one = (const Packed *)PyTuple_GET_ITEM(packing->records, at);
        Head head = {common_number(packing, one), Py_SIZE(one)};
        if (head.common < 0)
            return false;
        memcpy(to, &head, sizeof(head));
        memcpy(to + sizeof(head), &one->place, length_of(one) - sizeof(head));
        to += length_of(one);
    }
    return true;
}

static PyObject *packed_up(Packing *packing)
{
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, packing->length);
    if (bytes && put_all(packing, PyBytes_AS_STRING(bytes)))
        return Py_BuildValue("ON", packing->commons, bytes);
    Py_XDECREF(bytes);
    return NULL;
}

/* Whether all are packed; how long they are together. */
static bool measure(Packing *packing)
{
    for (Py_ssize_t at = 0; at < PyTuple_GET_SIZE(packing->records); at++) {
        PyObject *record = PyTuple_GET_ITEM(packing->records, at);
        if (!is_packed(record))
            return false;
        packing->length += length_of((const Packed *)record);
    }
    return true;
}

PyObject *pack_records(PyObject *Py_UNUSED(module), PyObject *given)
{
    Packing packing = {.records = PySequence_Tuple(given)};
    if (!packing.records)
        return NULL;
    if (!measure(&packing)) {
        Py_DECREF(packing.records);
        Py_RETURN_NONE;
    }
    PyObject *packed = NULL;
    packing.commons = PyList_New(0);
    packing.known = PyMem_New(const Common *, PyTuple_GET_SIZE(packing.records));
    if (packing.commons && packing.known)
        packed = packed_up(&packing);
    else
        PyErr_NoMemory();
    PyMem_Free(packing.known);
    Py_XDECREF(packing.commons);
    Py_DECREF(packing.records);
    return packed;
}

/* The way back. */

typedef struct {
    PyTypeObject *kind;
    Common *common;
} Told;

typedef struct {
    Told *told;
    Py_ssize_t count;
    const char *at, *end;
} Unpacking;

static void *not_packed(void)
{
    PyErr_SetString(PyExc_ValueError, "no packed records");
    return NULL;
}

/* With one holder; its common is NULL with an exception set. */
static Told told_of(PyObject *given)
{
    int is_alone;
    PyObject *kind, *make, *object, *group, *function, *own;
    if (!PyTuple_Check(given))
        return (Told){NULL, not_packed()};
    if (!PyArg_ParseTuple(given, "OOOUUOp", &kind, &make, &object, &group, &function, &own, &is_alone))
        return (Told){NULL, NULL};
    bool is_record = kind == (PyObject *)&packed_record_type && PyBytes_Check(own);
    if (!is_record && kind != (PyObject *)&packed_unit_type)
        return (Told){NULL, not_packed()};
    return (Told){(PyTypeObject *)kind, common_of(make, object, group, function, own, is_alone)};
}

static bool is_sound(const Packed *one)
{
    return packed_is_sound(one) &&
           (is_packed_unit((PyObject *)one) ? packed_unit_is_sound(one) : packed_record_is_sound(one));
}

static PyObject *next_record(Unpacking *unpacking)
{
    Head head;
    if (unpacking->end - unpacking->at < (Py_ssize_t)sizeof(head))
        return not_packed();
    memcpy(&head, unpacking->at, sizeof(head));
    unpacking->at += sizeof(head);
    if (head.common < 0 || head.common >= unpacking->count)
        return not_packed();
    Told told = unpacking->told[head.common];
    Py_ssize_t left = unpacking->end - unpacking->at - fields_of(told.kind);
    if (head.length < 0 || head.length > left)
        return not_packed();
    Packed *one = packed_copy(told.kind, told.common, unpacking->at, head.length);
    unpacking->at += fields_of(told.kind) + head.length;
    if (one && !is_sound(one)) {
        Py_DECREF(one);
        return not_packed();
    }
    return (PyObject *)one;
}

static PyObject *unpacked(Unpacking *unpacking)
{
    PyObject *records = PyList_New(0);
    while (records && unpacking->at < unpacking->end) {
        PyObject *record = next_record(unpacking);
        if (!record || PyList_Append(records, record) < 0)
            Py_CLEAR(records);
        Py_XDECREF(record);
    }
    return records;
}

static PyObject *unpacked_with(PyObject *commons, const Py_buffer *packed)
{
    const char *start = packed->buf;
    Unpacking unpacking = {PyMem_New(Told, PyList_GET_SIZE(commons)), 0, start, start + packed->len};
    if (!unpacking.told)
        return PyErr_NoMemory();
    bool is_told = true;
    while (is_told && unpacking.count < PyList_GET_SIZE(commons)) {
        unpacking.told[unpacking.count] = told_of(PyList_GET_ITEM(commons, unpacking.count));
        is_told = unpacking.told[unpacking.count].common;
        unpacking.count += is_told;
    }
    PyObject *records = is_told ? unpacked(&unpacking) : NULL;
    while (unpacking.count)
        common_release(unpacking.told[--unpacking.count].common);
    PyMem_Free(unpacking.told);
    return records;
}

PyObject *unpack_records(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *commons;
    Py_buffer packed;
    if (!PyArg_ParseTuple(arguments, "O!y*", &PyList_Type, &commons, &packed))
        return NULL;
    PyObject *records = unpacked_with(commons, &packed);
    PyBuffer_Release(&packed);
    return records;
}
