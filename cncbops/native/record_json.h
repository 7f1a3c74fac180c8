/* The JSON of a Kinesis record, as msgspec writes it for `cncbops.kinesis.record`. */

#ifndef CNCBOPS_RECORD_JSON_H
#define CNCBOPS_RECORD_JSON_H

#include "line.h"

/* What it is made of. But for `event`, which may be any bytes, and `name`, which is JSON, these stand in it as they
   are; `arrival` is of `write_seconds`. */
typedef struct {
    Text key, sequence, shard, arrival, event, name;
} RecordTexts;

enum { LONGEST_SECONDS = 24 };

/* Milliseconds as seconds, as short as they can be written: `1523159608.5`. Fills a buffer from its end; starts nowhere
   where the time is not usual. */
Text write_seconds(long long ms, char buffer[LONGEST_SECONDS]);

Py_ssize_t record_json_size(const RecordTexts *texts);

/* Returns the place behind it. */
char *record_json_write(char *to, const RecordTexts *texts);

#endif
