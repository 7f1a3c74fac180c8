#include "counts.h"

#include <limits.h>

#define HOUR_MS 3600000LL

bool count_more(PyObject *counts, PyObject *key, Py_ssize_t more)
{
    PyObject *known = PyDict_GetItemWithError(counts, key);
    if (PyErr_Occurred())
        return false;
    PyObject *sum = PyLong_FromSsize_t((known ? PyLong_AsSsize_t(known) : 0) + more);
    bool is_added = sum && PyDict_SetItem(counts, key, sum) == 0;
    Py_XDECREF(sum);
    return is_added;
}

bool kinds_begin(Kinds *kinds)
{
    kinds->counts = PyDict_New();
    return kinds->counts;
}

static bool kind_finish(Kinds *kinds, Kind *kind)
{
    bool is_counted = !kind->count || count_more(kinds->counts, kind->type, kind->count);
    kind->count = 0;
    return is_counted;
}

/* Whether a type is wanted; -1 with an exception set. */
static int answer_of(PyObject *is_wanted, PyObject *type)
{
    if (!is_wanted)
        return true;
    PyObject *answer = PyObject_CallOneArg(is_wanted, type);
    int is_so = answer ? PyObject_IsTrue(answer) : -1;
    Py_XDECREF(answer);
    return is_so;
}

/* Puts another type in the place of one at hand. */
static bool kind_begin(Kinds *kinds, Kind *kind, Text text)
{
    if (!kind_finish(kinds, kind))
        return false;
    Py_XSETREF(kind->type, text_object(text, NULL));
    int is_wanted = kind->type ? answer_of(kinds->is_wanted, kind->type) : -1;
    kind->text = text;
    kind->is_wanted = is_wanted > 0;
    kind->is_among_counts = false;
    return is_wanted >= 0;
}

/* FNV-1a, of which the lowest bits choose the place. */
static unsigned int place_of(Text type)
{
    unsigned int hash = 2166136261U;
    for (Py_ssize_t at = 0; at < type.length; at++)
        hash = (hash ^ (unsigned char)type.start[at]) * 16777619U;
    return hash % KINDS;
}

Kind *kind_of(Kinds *kinds, Text type)
{
    Kind *kind = &kinds->at_hand[place_of(type)];
    return (kind->type && text_is(kind->text, type)) || kind_begin(kinds, kind, type) ? kind : NULL;
}

bool kinds_count(Kinds *kinds, Kind *kind)
{
    if (!kind->is_among_counts && !count_more(kinds->counts, kind->type, 0))
        return false;
    kind->is_among_counts = true;
    kind->count++;
    return true;
}

bool kinds_finish(Kinds *kinds)
{
    for (int at = 0; at < KINDS; at++)
        if (!kind_finish(kinds, &kinds->at_hand[at]))
            return false;
    return true;
}

void kinds_release(Kinds *kinds)
{
    for (int at = 0; at < KINDS; at++)
        Py_CLEAR(kinds->at_hand[at].type);
    Py_CLEAR(kinds->counts);
}

bool hours_begin(Hours *hours)
{
    *hours = (Hours){PyDict_New(), .hour_ms = 0, .first_ms = LLONG_MAX, .last_ms = NO_TIME};
    return hours->counts;
}

bool hours_finish(Hours *hours)
{
    if (!hours->count)
        return true;
    PyObject *hour = PyLong_FromLongLong(hours->hour_ms / HOUR_MS);
    bool is_counted = hour && count_more(hours->counts, hour, hours->count);
    Py_XDECREF(hour);
    hours->count = 0;
    return is_counted;
}

bool hours_count(Hours *hours, long long ms)
{
    if (ms < hours->hour_ms || ms - hours->hour_ms >= HOUR_MS) {
        if (!hours_finish(hours))
            return false;
        hours->hour_ms = ms / HOUR_MS * HOUR_MS;
    }
    hours->count++;
    if (ms < hours->first_ms)
        hours->first_ms = ms;
    if (ms > hours->last_ms)
        hours->last_ms = ms;
    return true;
}

PyObject *hours_range(const Hours *hours)
{
    if (hours->last_ms == NO_TIME)
        Py_RETURN_NONE;
    return Py_BuildValue("LL", hours->first_ms, hours->last_ms);
}

void hours_release(Hours *hours)
{
    Py_CLEAR(hours->counts);
}
