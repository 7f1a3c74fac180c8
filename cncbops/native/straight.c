/* From lines straight to records, as far as lines are usual: what `cncbops.session.events` does in its steps. */

#include "native.h"

#include "counts.h"
#include "draft.h"

/* `line` and `place` are those of the next line and record. */
typedef struct {
    ReadLine read;
    Maker maker;
    long long start_ms, end_ms, place;
    Py_ssize_t line;
    Kinds kinds;
    Hours hours;
    PyObject *records;
    Py_ssize_t left_out, synthesized, longest;
} Reading;

/* Each of the following returns false, or NULL, with an exception set, or without one where a line is not usual. */

/* Appends the record of an event that is wanted, and counts it. */
static bool add_record(Reading *reading, Draft *draft, Kind *kind, const Found *found)
{
    PyObject *record = draft_record(draft, &reading->maker, reading->line, reading->place, found);
    Py_ssize_t size = record ? ((Packed *)record)->size : 0;
    bool is_added = record && PyList_Append(reading->records, record) == 0 && kinds_count(&reading->kinds, kind) &&
                    hours_count(&reading->hours, draft->time_ms);
    Py_XDECREF(record);
    reading->place += is_added;
    reading->synthesized += is_added && draft->is_synthesized;
    reading->longest = is_added && size > reading->longest ? size : reading->longest;
    return is_added;
}

static bool add_found(Reading *reading, const Found *found)
{
    Draft draft = {.common = NULL};
    if (!draft_set_times(&draft, &reading->maker, found))
        return false;
    if (draft.time_ms < reading->start_ms || draft.time_ms >= reading->end_ms)
        return true;
    Kind *kind = kind_of(&reading->kinds, found->type);
    if (!kind)
        return false;
    reading->left_out += !kind->is_wanted;
    return !kind->is_wanted || add_record(reading, &draft, kind, found);
}

/* Returns what is behind a line that was usual. */
static const char *add_line(Reading *reading, const char *line, const char *end)
{
    Found found = {.time_ms = NO_TIME, .arrival_ms = NO_TIME};
    const char *next = reading->read(line, end, &found);
    if (!next || !add_found(reading, &found))
        return NULL;
    reading->line++;
    return next;
}

/* Where the first line begins that is not usual, or all ends; NULL with an exception set. */
static const char *add_lines(Reading *reading, Text lines)
{
    const char *line = lines.start, *end = line + lines.length;
    for (const char *next; line < end; line = next) {
        next = add_line(reading, line, end);
        if (!next)
            break;
    }
    return PyErr_Occurred() || !kinds_finish(&reading->kinds) || !hours_finish(&reading->hours) ? NULL : line;
}

/* As `Straight` in `cncbops.session.straight` has it. */
static PyObject *result_of(Reading *reading, Text lines)
{
    Py_ssize_t first_line = reading->line;
    reading->records = PyList_New(0);
    bool is_begun = reading->records && kinds_begin(&reading->kinds) && hours_begin(&reading->hours);
    const char *end = is_begun ? add_lines(reading, lines) : NULL;
    if (!end)
        return NULL;
    return Py_BuildValue("OnnnnnOON", reading->records, reading->line - first_line, (Py_ssize_t)(end - lines.start),
                         reading->left_out, reading->synthesized, reading->longest, reading->kinds.counts,
                         reading->hours.counts, hours_range(&reading->hours));
}

static void release(Reading *reading)
{
    Py_CLEAR(reading->records);
    maker_release(&reading->maker);
    kinds_release(&reading->kinds);
    hours_release(&reading->hours);
}

PyObject *read_records(PyObject *Py_UNUSED(module), PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"format", "data", "first_line", "make", "lake_object", "first_place", "order", "time_ms",
                            "shard", "start_ms", "end_ms", "is_wanted", "name_of", NULL};
    Reading reading = {NULL};
    PyObject *format, *data;
    Maker *maker = &reading.maker;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "OSnOOLULULLOO", names, &format, &data, &reading.line,
                                     &maker->make, &maker->object, &reading.place, &maker->order, &maker->time_ms,
                                     &maker->shard, &reading.start_ms, &reading.end_ms, &reading.kinds.is_wanted,
                                     &maker->name_of))
        return NULL;
    reading.read = line_reader(format);
    Text lines = {PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)};
    PyObject *result = reading.read ? result_of(&reading, lines) : NULL;
    release(&reading);
    return result;
}
