/* From lines to units of work: for faults that are as nearly all are what `cncbops.faults` does for each. */

#include "native.h"

#include "digests.h"
#include "unit_sums.h"

/* A line that is shorter than this is rarely a fault. */
#define SHORT_LINE 512

/* `units` have None for each line that is not usual, False for each of so many that are `left_out`, as they are not
   chosen, and True for each of so many `others`, that hold no fault. Where there is one that is not usual `is_whole` is
   false, and nothing more is summed up. */
typedef struct {
    FaultCauses causes;
    long long start_ms, end_ms, until_ms;
    PyObject *units;
    bool is_whole;
    Py_ssize_t left_out, others;
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

static PyObject *unit_of(Reading *reading, FaultCause *cause, const FaultLine *line, Slice message,
                         Py_ssize_t number)
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
    parts.head.message = text_of(message);
    Common *common = parts.head.key.start ? fault_common_of(&reading->causes, cause, line) : NULL;
    return common && digest(&parts.digests, cause, line, message) ? packed_unit_of(common, &parts) : NULL;
}

/* Whether a fault is chosen, as far as its time and type tell; -1 with an exception set. */
static int may_be_chosen(Reading *reading, const FaultLine *line)
{
    long long ms = time_of(line);
    if (ms < reading->start_ms || ms >= reading->end_ms)
        return false;
    if (!reading->sums.kinds.is_wanted)
        return true;
    const Kind *kind = kind_of(&reading->sums.kinds, text_of(line->type));
    return kind ? kind->is_wanted : -1;
}

/* The unit of a line, False where it is left out, True where it holds another event; NULL where it is not usual. `next`
   is what is behind it, where that was found. */
static PyObject *read_unit(Reading *reading, const char *start, const char *end, Py_ssize_t number, const char **next)
{
    FaultLine line;
    Slice message = {NULL, NULL};
    *next = fault_line_read(start, end, &line);
    if (!*next && (*next = other_line_read(start, end)))
        return Py_NewRef(Py_True);
    if (!*next || time_of(&line) >= reading->until_ms)
        return NULL;
    int may_be = may_be_chosen(reading, &line);
    /* Its function is looked up. */
    FaultCause *cause = may_be > 0 ? fault_cause_of(&reading->causes, &line, &message) : NULL;
    if (!may_be || (cause && fault_cause_is_left_out(cause)))
        return Py_NewRef(Py_False);
    if (!cause || slice_length(line.record) > cause->longest)
        return NULL;
    return unit_of(reading, cause, &line, message, number);
}

/* Adds what `read_unit` has found. */
static bool add_unit(Reading *reading, PyObject *unit)
{
    reading->left_out += unit == Py_False;
    reading->others += unit == Py_True;
    reading->is_whole = reading->is_whole && unit;
    return PyList_Append(reading->units, unit ? unit : Py_None) == 0 &&
           (!reading->is_whole || PyBool_Check(unit) || unit_sums_add(&reading->sums, (const Packed *)unit));
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

/* The units, how many are left out, how many are others, and what they come to; None in place of that where not all
   lines are usual. `is_wanted` is asked about their types; NULL where all are. */
static PyObject *told(Reading *reading, Slice data, Py_ssize_t first_line, PyObject *is_wanted)
{
    reading->units = PyList_New(0);
    reading->is_whole = slice_length(data) > 0;
    if (!reading->units || !unit_sums_begin(&reading->sums, slice_length(data) / SHORT_LINE))
        return NULL;
    reading->sums.kinds.is_wanted = is_wanted;
    if (!add_units(reading, data, first_line))
        return NULL;
    PyObject *sums = reading->is_whole ? unit_sums_told(&reading->sums) : Py_NewRef(Py_None);
    return sums ? Py_BuildValue("OnnN", reading->units, reading->left_out, reading->others, sums) : NULL;
}

PyObject *read_units(PyObject *Py_UNUSED(module), PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"make", "cause_of", "data", "first_line", "lake_object", "is_alone", "start_ms", "end_ms",
                            "is_wanted", "until_ms", "by_shape", NULL};
    Reading reading = {.is_whole = false};
    FaultCauses *causes = &reading.causes;
    PyObject *data, *is_wanted;
    Py_ssize_t first_line;
    int is_alone, by_shape;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "OOSnOpLLOLp", names, &causes->make, &causes->cause_of, &data,
                                     &first_line, &causes->object, &is_alone, &reading.start_ms, &reading.end_ms,
                                     &is_wanted, &reading.until_ms, &by_shape))
        return NULL;
    causes->is_alone = is_alone;
    causes->by_shape = by_shape;
    const char *start = PyBytes_AS_STRING(data);
    Slice lines = {start, start + PyBytes_GET_SIZE(data)};
    PyObject *result = told(&reading, lines, first_line, is_wanted == Py_None ? NULL : is_wanted);
    unit_sums_release(&reading.sums);
    Py_XDECREF(reading.units);
    fault_causes_release(&reading.causes);
    return result;
}
