/* What many packed units come to: how many there are of each cause, type and hour. */

#include "native.h"

#include "any_record.h"
#include "counts.h"
#include "packed_unit.h"

/* Units of one Cause: the first of them, how many, and when the first and the last of their faults were raised. */
typedef struct {
    Packed *first;
    Py_ssize_t count;
    long long first_ms, last_ms;
} OfCause;

/* `causes` are in the order in which they came; `index` has where each is. */
typedef struct {
    OfCause *causes;
    Py_ssize_t count;
    PyObject *index;
    Kinds kinds;
    Hours hours;
} Sums;

/* Each of these returns false, or NULL, with an exception set. */

static OfCause *cause_begun(Sums *sums, Packed *unit)
{
    PyObject *index = PyLong_FromSsize_t(sums->count);
    bool is_kept = index && PyDict_SetItem(sums->index, unit->common->own, index) == 0;
    Py_XDECREF(index);
    if (!is_kept)
        return NULL;
    OfCause *begun = &sums->causes[sums->count++];
    *begun = (OfCause){unit, 0, packed_unit_time(unit), packed_unit_time(unit)};
    return begun;
}

static OfCause *cause_of(Sums *sums, Packed *unit)
{
    OfCause *last = sums->count ? &sums->causes[sums->count - 1] : NULL;
    if (last && last->first->common->own == unit->common->own)
        return last;
    PyObject *index = PyDict_GetItemWithError(sums->index, unit->common->own);
    if (index)
        return &sums->causes[PyLong_AsSsize_t(index)];
    return PyErr_Occurred() ? NULL : cause_begun(sums, unit);
}

static bool add(Sums *sums, Packed *unit)
{
    OfCause *cause = cause_of(sums, unit);
    Kind *kind = cause ? kind_of(&sums->kinds, packed_unit_type_of(unit)) : NULL;
    long long ms = packed_unit_time(unit);
    if (!kind)
        return false;
    cause->count++;
    cause->first_ms = ms < cause->first_ms ? ms : cause->first_ms;
    cause->last_ms = ms > cause->last_ms ? ms : cause->last_ms;
    return kinds_count(&sums->kinds, kind) && hours_count(&sums->hours, ms);
}

static PyObject *cause_told(const OfCause *cause)
{
    Packed *first = cause->first;
    return Py_BuildValue("OnNnLL", first->common->own, first->line, text_object(packed_unit_fault_id(first), NULL),
                         cause->count, cause->first_ms, cause->last_ms);
}

static PyObject *causes_told(const Sums *sums)
{
    PyObject *told = PyList_New(sums->count);
    for (Py_ssize_t at = 0; told && at < sums->count; at++) {
        PyObject *one = cause_told(&sums->causes[at]);
        if (one)
            PyList_SET_ITEM(told, at, one);
        else
            Py_CLEAR(told);
    }
    return told;
}

static PyObject *summed(Sums *sums, PyObject *units)
{
    for (Py_ssize_t at = 0; at < PyTuple_GET_SIZE(units); at++) {
        fetch_ahead(PySequence_Fast_ITEMS(units), at, PyTuple_GET_SIZE(units));
        if (!add(sums, (Packed *)PyTuple_GET_ITEM(units, at)))
            return NULL;
    }
    if (!kinds_finish(&sums->kinds) || !hours_finish(&sums->hours))
        return NULL;
    return Py_BuildValue("OONN", sums->kinds.counts, sums->hours.counts, hours_range(&sums->hours), causes_told(sums));
}

static PyObject *sum(PyObject *units)
{
    PyObject *result = NULL;
    Sums sums = {.causes = PyMem_New(OfCause, PyTuple_GET_SIZE(units))};
    if (!sums.causes)
        return PyErr_NoMemory();
    if ((sums.index = PyDict_New()) && kinds_begin(&sums.kinds) && hours_begin(&sums.hours))
        result = summed(&sums, units);
    kinds_release(&sums.kinds);
    hours_release(&sums.hours);
    Py_XDECREF(sums.index);
    PyMem_Free(sums.causes);
    return result;
}

PyObject *sum_units(PyObject *Py_UNUSED(module), PyObject *given)
{
    PyObject *units = PySequence_Tuple(given), *result = NULL;
    if (units)
        result = are_packed_units(units) ? sum(units) : Py_NewRef(Py_None);
    Py_XDECREF(units);
    return result;
}
