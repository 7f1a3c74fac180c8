/* A line of a lake that holds a fault as nearly all are: the cookbook's or the library's, of one Kinesis record, whole.

   `cncbops.faults.usual` says what that is. Of what is rarer, such as a batch or a time in words, nothing is decided. */

#ifndef CNCBOPS_FAULT_LINES_H
#define CNCBOPS_FAULT_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "slice.h"

bool slice_equal(Slice one, Slice other);

/* What faults of one cause have in common, each as the JSON of a text: why, of what function and pipeline. */
enum { SAID_FUNCTION, SAID_FUNCTION_TOO, TAGGED_PIPELINE, OWN_PIPELINE, ERROR_NAME, ERROR_MESSAGE, COMMON };

/* Texts stand here without quotes, and none has an escape. `id` is the fault's own, or else its line's. */
typedef struct {
    Slice common[COMMON];
    Slice id;
    Slice time;
    Slice type;
    Slice record;
    Slice record_id;
    Slice arn;
    Slice key;
    Slice sequence;
    Slice data;
} FaultLine;

/* Reads a line, and returns what is behind it; NULL where it is not a usual one. The text ends as in json.h. */
const char *fault_line_read(const char *start, const char *end, FaultLine *line);

/* The same of a line that holds an event of another type. */
const char *other_line_read(const char *start, const char *end);

#endif
