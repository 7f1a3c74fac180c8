#include "unit_sums.h"

#include "any_record.h"

static bool make_room(UnitSums *sums)
{
    if (sums->count < sums->room)
        return true;
    Py_ssize_t room = 2 * sums->room + 16;
    OfCause *causes = PyMem_Resize(sums->causes, OfCause, room);
    if (!causes) {
        PyErr_NoMemory();
        return false;
    }
    sums->causes = causes;
    sums->room = room;
    return true;
}

static OfCause *cause_begun(UnitSums *sums, const Packed *unit)
{
    PyObject *index = make_room(sums) ? PyLong_FromSsize_t(sums->count) : NULL;
    bool is_kept = index && PyDict_SetItem(sums->index, unit->common->own, index) == 0;
    Py_XDECREF(index);
    if (!is_kept)
        return NULL;
    OfCause *begun = &sums->causes[sums->count++];
    *begun = (OfCause){unit, 0, packed_unit_time(unit), packed_unit_time(unit)};
    return begun;
}

static OfCause *cause_of(UnitSums *sums, const Packed *unit)
{
    OfCause *last = sums->count ? &sums->causes[sums->count - 1] : NULL;
    if (last && last->first->common->own == unit->common->own)
        return last;
    PyObject *index = PyDict_GetItemWithError(sums->index, unit->common->own);
    if (index)
        return &sums->causes[PyLong_AsSsize_t(index)];
    return PyErr_Occurred() ? NULL : cause_begun(sums, unit);
}

static bool add_digest(UnitSums *sums, const unsigned char *digest)
{
    Py_ssize_t at = sums->faults++ * DIGEST_BYTES;
    if (at == PyBytes_GET_SIZE(sums->digests) && _PyBytes_Resize(&sums->digests, 2 * at + DIGEST_BYTES) < 0)
        return false;
    memcpy(PyBytes_AS_STRING(sums->digests) + at, digest, DIGEST_BYTES);
    return true;
}

bool unit_sums_begin(UnitSums *sums, Py_ssize_t units)
{
    *sums = (UnitSums){.index = PyDict_New(), .digests = PyBytes_FromStringAndSize(NULL, units * DIGEST_BYTES)};
    return sums->index && sums->digests && kinds_begin(&sums->kinds) && hours_begin(&sums->hours);
}

bool unit_sums_add(UnitSums *sums, const Packed *unit)
{
    OfCause *cause = cause_of(sums, unit);
    Kind *kind = cause ? kind_of(&sums->kinds, packed_unit_type_of(unit)) : NULL;
    long long ms = packed_unit_time(unit);
    if (!kind)
        return false;
    cause->count++;
    cause->first_ms = ms < cause->first_ms ? ms : cause->first_ms;
    cause->last_ms = ms > cause->last_ms ? ms : cause->last_ms;
    sums->bytes += unit->size;
    return kinds_count(&sums->kinds, kind) && hours_count(&sums->hours, ms) &&
           add_digest(sums, packed_unit_digests(unit)->fault);
}

static PyObject *cause_told(const OfCause *cause)
{
    const Packed *first = cause->first;
    return Py_BuildValue("OnNNnLL", first->common->own, first->line, text_object(packed_unit_fault_id(first), NULL),
                         text_object(packed_unit_message(first), NULL), cause->count, cause->first_ms, cause->last_ms);
}

static PyObject *causes_told(const UnitSums *sums)
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

PyObject *unit_sums_told(UnitSums *sums)
{
    if (!kinds_finish(&sums->kinds) || !hours_finish(&sums->hours) ||
        _PyBytes_Resize(&sums->digests, sums->faults * DIGEST_BYTES) < 0)
        return NULL;
    return Py_BuildValue("OONNOn", sums->kinds.counts, sums->hours.counts, hours_range(&sums->hours),
                         causes_told(sums), sums->digests, sums->bytes);
}

void unit_sums_release(UnitSums *sums)
{
    kinds_release(&sums->kinds);
    hours_release(&sums->hours);
    Py_CLEAR(sums->index);
    Py_CLEAR(sums->digests);
    PyMem_Free(sums->causes);
}

static PyObject *sum(PyObject *units)
{
    Py_ssize_t count = PyTuple_GET_SIZE(units), at = 0;
    UnitSums sums;
    bool is_well = unit_sums_begin(&sums, count);
    for (; is_well && at < count; at++) {
        fetch_ahead(PySequence_Fast_ITEMS(units), at, count);
        is_well = unit_sums_add(&sums, (const Packed *)PyTuple_GET_ITEM(units, at));
    }
    PyObject *told = is_well ? unit_sums_told(&sums) : NULL;
    unit_sums_release(&sums);
    return told;
}

PyObject *sum_units(PyObject *Py_UNUSED(module), PyObject *given)
{
    PyObject *units = PySequence_Tuple(given), *told = NULL;
    if (units)
        told = are_packed_units(units) ? sum(units) : Py_NewRef(Py_None);
    Py_XDECREF(units);
    return told;
}
