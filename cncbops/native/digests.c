#include "digests.h"

#include <string.h>

#include "sha256.h"
#include "utf8.h"

#define PIECE(literal) {literal, literal + sizeof(literal) - 1}
#define ZERO PIECE("\0")

/* As in Python: how long a record's id is that Kinesis gave, how data begins that is the JSON of an event whose first
   member is its id, but for what the tenth character may be, and how much of it tells it then. */
#define OF_KINESIS 77
#define ID_FIRST "eyJpZCI6I"
#define BEGINNING 128

/* The first bytes of the SHA-256 of some pieces. */
static bool digest_of(const Slice *pieces, size_t count, unsigned char *to)
{
    unsigned char digest[SHA256_BYTES];
    if (!sha256_of(pieces, count, digest))
        return false;
    memcpy(to, digest, DIGEST_BYTES);
    return true;
}

static bool begins_with_id(Slice data)
{
    char tenth = data.start[sizeof(ID_FIRST) - 1];
    return memcmp(data.start, ID_FIRST, sizeof(ID_FIRST) - 1) == 0 && tenth >= 'g' && tenth <= 'v';
}

/* What tells a record's data beside its id: its beginning, where that holds the event's, else all of it. */
static Slice telling(Slice record_id, Slice data)
{
    bool is_told = slice_length(record_id) >= OF_KINESIS && slice_length(data) > BEGINNING && begins_with_id(data) &&
                   utf8_is_ascii(record_id.start, slice_length(record_id)) && utf8_is_ascii(data.start, BEGINNING);
    return (Slice){data.start, is_told ? data.start + BEGINNING : data.end};
}

static bool digest_record(Slice known_as, const FaultLine *line, unsigned char *to)
{
    const Slice record[] = {known_as, ZERO, line->arn, ZERO, line->record_id, PIECE(" "),
                            telling(line->record_id, line->data)};
    return digest_of(record, COUNT(record), to);
}

static bool digest_fault(Slice known_as, Slice said, const FaultLine *line, const unsigned char *record,
                         unsigned char *to)
{
    const Slice named[] = {known_as, ZERO, line->id};
    if (line->id.start)
        return digest_of(named, COUNT(named), to);
    char digits[2 * DIGEST_BYTES];
    write_hexadecimal(record, DIGEST_BYTES, digits);
    const Slice nameless[] = {known_as, ZERO, line->time, ZERO, said, ZERO, {digits, digits + sizeof(digits)}};
    return digest_of(nameless, COUNT(nameless), to);
}

bool digest(Digests *digests, Slice known_as, Slice said, const FaultLine *line)
{
    return digest_record(known_as, line, digests->record) &&
           digest_fault(known_as, said, line, digests->record, digests->fault);
}
