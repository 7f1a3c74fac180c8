/* What tells the faults of many packed units, and their records, from all others; and where units come in their run. */

#include "native.h"

#include "packed_unit.h"

static const Packed *unit_at(PyObject *units, Py_ssize_t at)
{
    return (const Packed *)PyTuple_GET_ITEM(units, at);
}

static PyObject *digests_of(PyObject *units)
{
    Py_ssize_t count = PyTuple_GET_SIZE(units);
    PyObject *faults = PyBytes_FromStringAndSize(NULL, count * DIGEST_BYTES);
    PyObject *records = PyBytes_FromStringAndSize(NULL, count * DIGEST_BYTES);
    for (Py_ssize_t at = 0; faults && records && at < count; at++) {
        const Digests *digests = packed_unit_digests(unit_at(units, at));
        memcpy(PyBytes_AS_STRING(faults) + at * DIGEST_BYTES, digests->fault, DIGEST_BYTES);
        memcpy(PyBytes_AS_STRING(records) + at * DIGEST_BYTES, digests->record, DIGEST_BYTES);
    }
    return Py_BuildValue("NN", faults, records);
}

PyObject *unit_digests(PyObject *Py_UNUSED(module), PyObject *given)
{
    PyObject *units = packed_units_of(given), *digests = units ? digests_of(units) : NULL;
    Py_XDECREF(units);
    return digests;
}

/* Whether all are packed units, or False or True for what is between them, and there are so many places; else with an
   exception set. */
static bool can_be_placed(PyObject *lines, long long place)
{
    long long last;
    if (__builtin_add_overflow(place, PyTuple_GET_SIZE(lines), &last)) {
        PyErr_SetString(PyExc_OverflowError, "there is no such place");
        return false;
    }
    for (Py_ssize_t at = 0; at < PyTuple_GET_SIZE(lines); at++) {
        PyObject *line = PyTuple_GET_ITEM(lines, at);
        if (!PyBool_Check(line) && !is_packed_unit(line)) {
            PyErr_SetString(PyExc_TypeError, "a unit is not packed");
            return false;
        }
    }
    return true;
}

PyObject *place_units(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    if (!has_arguments(count, 2))
        return NULL;
    long long place = PyLong_AsLongLong(arguments[1]);
    PyObject *lines = PyErr_Occurred() ? NULL : PySequence_Tuple(arguments[0]);
    bool is_well = lines && can_be_placed(lines, place);
    for (Py_ssize_t at = 0; is_well && at < PyTuple_GET_SIZE(lines); at++) {
        PyObject *line = PyTuple_GET_ITEM(lines, at);
        if (!PyBool_Check(line))
            ((Packed *)line)->place = place;
        place += line != Py_True;
    }
    Py_XDECREF(lines);
    return is_well ? Py_NewRef(Py_None) : NULL;
}

/* The list of units of a Cause's fingerprint and pipeline, owned by `alike`; `of_cause` has it once it was found. */
static PyObject *list_of(PyObject *cause, const Packed *unit, PyObject *of_cause, PyObject *alike)
{
    PyObject *found = PyDict_GetItemWithError(of_cause, cause);
    if (found || PyErr_Occurred())
        return found;
    PyObject *key = packed_unit_group(unit);
    found = key ? found_or_made(alike, key, (PyObject *)&PyList_Type, NULL) : NULL;
    Py_XDECREF(key);
    return found && PyDict_SetItem(of_cause, cause, found) == 0 ? found : NULL;
}

static bool part(PyObject *units, PyObject *of_cause, PyObject *alike)
{
    PyObject *last = NULL, *list = NULL;
    for (Py_ssize_t at = 0; at < PyTuple_GET_SIZE(units); at++) {
        const Packed *unit = unit_at(units, at);
        if (unit->common->own != last)
            list = list_of(unit->common->own, unit, of_cause, alike);
        last = unit->common->own;
        if (!list || PyList_Append(list, PyTuple_GET_ITEM(units, at)) < 0)
            return false;
    }
    return true;
}

PyObject *units_alike(PyObject *Py_UNUSED(module), PyObject *given)
{
    PyObject *units = PySequence_Tuple(given);
    if (units && !are_packed_units(units)) {
        Py_DECREF(units);
        Py_RETURN_NONE;
    }
    PyObject *of_cause = units ? PyDict_New() : NULL, *alike = of_cause ? PyDict_New() : NULL;
    if (alike && !part(units, of_cause, alike))
        Py_CLEAR(alike);
    Py_XDECREF(of_cause);
    Py_XDECREF(units);
    return alike;
}
