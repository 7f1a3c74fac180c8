/* What a line says of its event: for lines as they usually are, what `read` of a format in `cncbops.formats` finds.

   All points into the line. What a line leaves out starts nowhere, and is no time. */

#ifndef CNCBOPS_LINE_H
#define CNCBOPS_LINE_H

#include "native.h"

/* No time is later: the end of the year 9999, as in `cncbops.formats.timestamp`. */
#define LATEST_MS 253402300799999LL
#define NO_TIME (-1LL)

/* A text, without anything that JSON would escape, unless it is an event; not empty. */
typedef struct {
    const char *start;
    Py_ssize_t length;
} Text;

/* The event's own time is milliseconds, or a text. */
typedef struct {
    Text event, id, type, time_text, key, sequence, shard, region, account, stream, source;
    long long time_ms, arrival_ms;
} Found;

/* Reads a line, and returns what is behind it; NULL where it is not usual. The text ends as in json.h. */
typedef const char *(*ReadLine)(const char *line, const char *end, Found *found);

/* How the lines of a format are read, by its name; NULL with an exception set. */
ReadLine line_reader(PyObject *format);

/* Where a line ends: behind its newline, or at the end of all. */
const char *line_end(const char *line, const char *end);

static inline bool text_is(Text one, Text other)
{
    return one.length == other.length && (one.length == 0 || memcmp(one.start, other.start, one.length) == 0);
}

/* Writes a text; returns the place behind it. */
static inline char *text_put(char *to, Text text)
{
    memcpy(to, text.start, text.length);
    return to + text.length;
}

/* A text as an object, the one given where it is the same; None where it starts nowhere. NULL with an exception set. */
PyObject *text_object(Text text, PyObject *known);

#endif
