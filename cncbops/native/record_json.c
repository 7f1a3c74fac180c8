#include "record_json.h"

#include "base64.h"

/* In this range msgspec writes seconds with a decimal point and no exponent, and milliseconds are exact in them. */
#define SHORTEST_MS 1000LL
#define LONGEST_MS 999999999999999LL

/* What stands before each text in the JSON; the name is followed by the end. */
#define BEFORE_KEY "{\"kinesis\":{\"kinesisSchemaVersion\":\"1.0\",\"partitionKey\":\""
#define BEFORE_SEQUENCE "\",\"sequenceNumber\":\""
#define BEFORE_EVENT "\",\"data\":\""
#define BEFORE_ARRIVAL "\",\"approximateArrivalTimestamp\":"
#define BEFORE_SHARD "},\"eventSource\":\"aws:kinesis\",\"eventVersion\":\"1.0\",\"eventID\":\""
#define BEFORE_SEQUENCE_AGAIN ":"
#define BEFORE_NAME "\",\"eventName\":"
#define END "}"

static const char FRAME[] =
    BEFORE_KEY BEFORE_SEQUENCE BEFORE_EVENT BEFORE_ARRIVAL BEFORE_SHARD BEFORE_SEQUENCE_AGAIN BEFORE_NAME END;

#define PUT(to, literal) text_put(to, (Text){literal, sizeof(literal) - 1})

Text write_seconds(long long ms, char buffer[LONGEST_SECONDS])
{
    if (ms < SHORTEST_MS || ms > LONGEST_MS)
        return (Text){NULL, 0};
    char *start = buffer + LONGEST_SECONDS, *end = start;
    for (int decimals = 3; ms; decimals--, ms /= 10) {
        if (decimals == 0)
            *--start = '.';
        *--start = (char)('0' + ms % 10);
        if (decimals > 1 && *start == '0' && start + 1 == end)
            end = start;
    }
    return (Text){start, end - start};
}

Py_ssize_t record_json_size(const RecordTexts *texts)
{
    return (Py_ssize_t)(sizeof(FRAME) - 1 + base64_length(texts->event.length)) + texts->key.length +
           2 * texts->sequence.length + texts->arrival.length + texts->shard.length + texts->name.length;
}

char *record_json_write(char *to, const RecordTexts *texts)
{
    to = text_put(PUT(to, BEFORE_KEY), texts->key);
    to = text_put(PUT(to, BEFORE_SEQUENCE), texts->sequence);
    to = base64_write(PUT(to, BEFORE_EVENT), (const unsigned char *)texts->event.start, texts->event.length);
    to = text_put(PUT(to, BEFORE_ARRIVAL), texts->arrival);
    to = text_put(PUT(to, BEFORE_SHARD), texts->shard);
    to = text_put(PUT(to, BEFORE_SEQUENCE_AGAIN), texts->sequence);
    to = text_put(PUT(to, BEFORE_NAME), texts->name);
    return PUT(to, END);
}
