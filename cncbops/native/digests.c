#include "digests.h"

#include <string.h>

#include "sha256.h"

#define PIECE(literal) {literal, literal + sizeof(literal) - 1}
#define ZERO PIECE("\0")

/* How data begins that is the JSON of an event whose first member is its id, and how much of it tells it then. */
#define ID_FIRST "eyJpZCI6I"
#define ID_DATA 128

/* The first bytes of the SHA-256 of some pieces. */
static bool digest_of(const Slice *pieces, size_t count, unsigned char *to)
{
    unsigned char digest[SHA256_BYTES];
    if (!sha256_of(pieces, count, digest))
        return false;
    memcpy(to, digest, DIGEST_BYTES);
    return true;
}

/* What tells a record's data: the event's id, where it begins with that. */
static Slice telling(Slice data)
{
    bool has_id = slice_length(data) > ID_DATA && memcmp(data.start, ID_FIRST, sizeof(ID_FIRST) - 1) == 0;
    return (Slice){data.start, has_id ? data.start + ID_DATA : data.end};
}

static bool digest_record(Slice known_as, const FaultLine *line, unsigned char *to)
{
    const Slice record[] = {known_as, ZERO, line->arn, ZERO, line->record_id, PIECE(" "), telling(line->data)};
    return digest_of(record, COUNT(record), to);
}

static bool digest_fault(Slice known_as, Slice said, const FaultLine *line, const unsigned char *record,
                         unsigned char *to)
{
    char digits[2 * DIGEST_BYTES];
    write_hexadecimal(record, DIGEST_BYTES, digits);
    const Slice named[] = {known_as, ZERO, line->id};
    const Slice nameless[] = {known_as, ZERO, line->time, ZERO, said, ZERO, {digits, digits + sizeof(digits)}};
    return line->id.start ? digest_of(named, COUNT(named), to) : digest_of(nameless, COUNT(nameless), to);
}

bool digest(Digests *digests, Slice known_as, Slice said, const FaultLine *line)
{
    return digest_record(known_as, line, digests->record) &&
           digest_fault(known_as, said, line, digests->record, digests->fault);
}
