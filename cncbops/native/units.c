/* From lines to units of work: for faults that are as nearly all are what `cncbops.faults` does for each. */

#include "native.h"

#include "digests.h"
#include "unit_sums.h"
#include "utf8.h"

/* A line that is shorter than this is rarely a fault. */
#define SHORT_LINE 512

/* `units` have None for each line that is not usual. Where there is such a one `is_whole` is false, and nothing more is
   summed up. */
typedef struct {
    FaultCauses causes;
    long long until_ms;
    PyObject *units;
    bool is_whole;
    UnitSums sums;
} Reading;

static Text text_of(Slice slice)
{
    return (Text){slice.start, slice_length(slice)};
}

/* Milliseconds in at most 14 digits. */
static long long time_of(const FaultLine *line)
{
    long long ms = 0;
    for (const char *at = line->time.start; at < line->time.end; at++)
        ms = ms * 10 + (*at - '0');
    return ms;
}

static PyObject *unit_of(Reading *reading, FaultCause *cause, const FaultLine *line, Py_ssize_t number)
{
    char buffer[LONGEST_JOINED];
    const Slice key[] = {line->arn, line->key};
    UnitParts parts = {.time_ms = time_of(line), .has_id = line->id.start};
    parts.head.key = joined(buffer, key, COUNT(key));
    parts.head.sequence = text_of(line->sequence);
    parts.head.id = text_of(parts.has_id ? line->id : line->record_id);
    parts.head.line = number;
    parts.head.own = text_of(line->type);
    parts.head.body = text_of(line->record);
    Common *common = parts.head.key.start ? fault_common_of(&reading->causes, cause, line) : NULL;
    return common && digest(&parts.digests, cause, line) ? packed_unit_of(common, &parts) : NULL;
}

/* The unit of a line; NULL where it is not usual. `next` is what is behind it, where that was found. */
static PyObject *read_unit(Reading *reading, const char *start, const char *end, Py_ssize_t number, const char **next)
{
    FaultLine line;
    *next = fault_line_read(start, end, &line);
    if (!*next || !utf8_is_valid(start, *next - start) || time_of(&line) >= reading->until_ms)
        return NULL;
    FaultCause *cause = fault_cause_of(&reading->causes, &line);
    return cause && slice_length(line.record) <= cause->longest ? unit_of(reading, cause, &line, number) : NULL;
}

/* Adds the unit of a line, which is NULL where that is not usual. */
static bool add_unit(Reading *reading, PyObject *unit)
{
    reading->is_whole = reading->is_whole && unit;
    return PyList_Append(reading->units, unit ? unit : Py_None) == 0 &&
           (!reading->is_whole || unit_sums_add(&reading->sums, (const Packed *)unit));
}

static bool add_units(Reading *reading, Slice data, Py_ssize_t number)
{
    for (const char *start = data.start, *next; start < data.end; start = next, number++) {
        PyObject *unit = read_unit(reading, start, data.end, number, &next);
        if (!unit && PyErr_Occurred())
            return false;
        bool is_added = add_unit(reading, unit);
        Py_XDECREF(unit);
        if (!is_added)
            return false;
        next = next ? next : line_end(start, data.end);
    }
    return true;
}

/* The units, and what they come to; None in place of that where not all lines are usual. */
static PyObject *told(Reading *reading, Slice data, Py_ssize_t first_line)
{
    reading->units = PyList_New(0);
    reading->is_whole = slice_length(data) > 0;
    if (!reading->units || !unit_sums_begin(&reading->sums, slice_length(data) / SHORT_LINE) ||
        !add_units(reading, data, first_line))
        return NULL;
    PyObject *sums = reading->is_whole ? unit_sums_told(&reading->sums) : Py_NewRef(Py_None);
    return sums ? Py_BuildValue("ON", reading->units, sums) : NULL;
}

PyObject *read_units(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    if (!has_arguments(count, 7))
        return NULL;
    char *data;
    Py_ssize_t length, first_line = PyLong_AsSsize_t(arguments[3]);
    int is_alone = PyErr_Occurred() ? -1 : PyObject_IsTrue(arguments[5]);
    long long until_ms = is_alone < 0 ? -1 : PyLong_AsLongLong(arguments[6]);
    if (PyErr_Occurred() || PyBytes_AsStringAndSize(arguments[2], &data, &length) < 0)
        return NULL;
    Reading reading = {.causes = {.make = arguments[0], .cause_of = arguments[1], .object = arguments[4],
                                  .is_alone = is_alone}, .until_ms = until_ms};
    PyObject *result = told(&reading, (Slice){data, data + length}, first_line);
    unit_sums_release(&reading.sums);
    Py_XDECREF(reading.units);
    fault_causes_release(&reading.causes);
    return result;
}
