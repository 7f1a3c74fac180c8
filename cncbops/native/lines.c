/* From lines to their events. */

#include "line.h"

/* The arguments of LakeEvent, in its order. */
enum { DATA, LINE, PART, ID, TYPE, TIMESTAMP, KEY, SEQUENCE, SHARD, ARRIVAL, REGION, ACCOUNT, STREAM, SOURCE,
       ARGUMENTS };

static PyObject *time_object(long long ms)
{
    if (ms == NO_TIME)
        Py_RETURN_NONE;
    return PyLong_FromLongLong(ms);
}

static void release(PyObject **objects)
{
    for (int at = 0; at < ARGUMENTS; at++)
        Py_CLEAR(objects[at]);
}

/* Fills in what an event is made of; texts are those of the `last` one where they are the same, as many are. */
static bool make_arguments(PyObject **made, PyObject *const *last, Py_ssize_t number, const Found *found)
{
    const struct {
        int argument;
        Text text;
    } texts[] = {{ID, found->id}, {TYPE, found->type}, {KEY, found->key}, {SEQUENCE, found->sequence},
                 {SHARD, found->shard}, {REGION, found->region}, {ACCOUNT, found->account}, {STREAM, found->stream},
                 {SOURCE, found->source}};
    for (size_t at = 0; at < COUNT(texts); at++)
        made[texts[at].argument] = text_object(texts[at].text, last[texts[at].argument]);
    made[DATA] = PyBytes_FromStringAndSize(found->event.start, found->event.length);
    made[LINE] = PyLong_FromSsize_t(number);
    made[PART] = PyLong_FromLong(0);
    made[TIMESTAMP] = found->time_text.start ? text_object(found->time_text, NULL) : time_object(found->time_ms);
    made[ARRIVAL] = time_object(found->arrival_ms);
    for (int at = 0; at < ARGUMENTS; at++)
        if (!made[at])
            return false;
    return true;
}

/* The event of a line; `last` becomes what it was made of. NULL with an exception set. */
static PyObject *event_of(PyObject *type, Py_ssize_t number, const Found *found, PyObject **last)
{
    PyObject *made[ARGUMENTS] = {NULL};
    if (!make_arguments(made, last, number, found)) {
        release(made);
        return NULL;
    }
    release(last);
    memcpy(last, made, sizeof(made));
    return PyObject_Vectorcall(type, made, ARGUMENTS, NULL);
}

static bool append(PyObject *list, PyObject *item)
{
    bool is_appended = item && PyList_Append(list, item) == 0;
    Py_XDECREF(item);
    return is_appended;
}

static bool append_events(PyObject *events, PyObject *type, ReadLine read, Py_ssize_t number, Text lines)
{
    PyObject *last[ARGUMENTS] = {NULL};
    const char *line = lines.start, *end = line + lines.length;
    bool is_done = true;
    for (; is_done && line < end; number++) {
        Found found = {.time_ms = NO_TIME, .arrival_ms = NO_TIME};
        const char *next = read(line, end, &found);
        if (next) {
            is_done = append(events, event_of(type, number, &found, last));
        } else {
            next = line_end(line, end);
            is_done = append(events, PyBytes_FromStringAndSize(line, next - line));
        }
        line = next;
    }
    release(last);
    return is_done;
}

PyObject *read_events(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    char *data;
    Py_ssize_t length;
    if (!has_arguments(count, 4) || PyBytes_AsStringAndSize(arguments[2], &data, &length) < 0)
        return NULL;
    ReadLine read = line_reader(arguments[0]);
    Py_ssize_t first_line = PyLong_AsSsize_t(arguments[3]);
    PyObject *events = read && !PyErr_Occurred() ? PyList_New(0) : NULL;
    if (events && !append_events(events, arguments[1], read, first_line, (Text){data, length}))
        Py_CLEAR(events);
    return events;
}
