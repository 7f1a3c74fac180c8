/* What is asked of many records at once: how much they are, and where they come in their run. */

#include "native.h"

#include "any_record.h"
#include "counts.h"

typedef struct {
    Py_ssize_t weight, size, longest;
} Measure;

static bool add(Measure *measure, PyObject *record)
{
    Py_ssize_t weight = record_weight(record);
    Py_ssize_t size = PyErr_Occurred() ? -1 : record_size(record);
    if (PyErr_Occurred())
        return false;
    if (__builtin_add_overflow(measure->weight, weight, &measure->weight) ||
        __builtin_add_overflow(measure->size, size, &measure->size)) {
        PyErr_SetString(PyExc_OverflowError, "records come to more than can be counted");
        return false;
    }
    measure->longest = size > measure->longest ? size : measure->longest;
    return true;
}

PyObject *measured(PyObject *Py_UNUSED(module), PyObject *records)
{
    Measure measure = {0, 0, 0};
    PyObject *own = PySequence_Tuple(records);
    bool is_measured = own;
    for (Py_ssize_t at = 0; is_measured && at < PyTuple_GET_SIZE(own); at++)
        is_measured = add(&measure, PyTuple_GET_ITEM(own, at));
    Py_XDECREF(own);
    return is_measured ? Py_BuildValue("nnn", measure.weight, measure.size, measure.longest) : NULL;
}

PyObject *places(PyObject *Py_UNUSED(module), PyObject *records)
{
    PyObject *own = PySequence_Tuple(records);
    Py_ssize_t count = own ? PyTuple_GET_SIZE(own) : 0;
    PyObject *found = own ? PyBytes_FromStringAndSize(NULL, count * (Py_ssize_t)sizeof(long long)) : NULL;
    for (Py_ssize_t at = 0; found && at < count; at++) {
        long long place = record_place(PyTuple_GET_ITEM(own, at));
        memcpy(PyBytes_AS_STRING(found) + at * sizeof(place), &place, sizeof(place));
        if (PyErr_Occurred())
            Py_CLEAR(found);
    }
    Py_XDECREF(own);
    return found;
}

static bool count_object(PyObject *counts, long long object, Py_ssize_t more)
{
    PyObject *number = PyLong_FromLongLong(object);
    bool is_counted = number && count_more(counts, number, more);
    Py_XDECREF(number);
    return is_counted;
}

/* Those of one object mostly come one after another. */
static bool count_objects(PyObject *counts, PyObject *records, int ordinal_bits)
{
    for (Py_ssize_t at = 0, start = 0; at < PyTuple_GET_SIZE(records); start = at) {
        long long object = record_place(PyTuple_GET_ITEM(records, at)) >> ordinal_bits;
        do
            at++;
        while (!PyErr_Occurred() && at < PyTuple_GET_SIZE(records) &&
               record_place(PyTuple_GET_ITEM(records, at)) >> ordinal_bits == object);
        if (PyErr_Occurred() || !count_object(counts, object, at - start))
            return false;
    }
    return true;
}

PyObject *objects(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *records, *counts;
    int ordinal_bits;
    if (!PyArg_ParseTuple(arguments, "Oi", &records, &ordinal_bits))
        return NULL;
    PyObject *own = PySequence_Tuple(records);
    counts = own ? PyDict_New() : NULL;
    if (counts && !count_objects(counts, own, ordinal_bits))
        Py_CLEAR(counts);
    Py_XDECREF(own);
    return counts;
}
