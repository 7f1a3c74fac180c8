#include "digests.h"

#include <string.h>

#include "sha256.h"

#define PIECE(literal) {literal, literal + sizeof(literal) - 1}
#define ZERO PIECE("\0")

/* The first bytes of the SHA-256 of some pieces. */
static bool digest_of(const Slice *pieces, size_t count, unsigned char *to)
{
    unsigned char digest[SHA256_BYTES];
    if (!sha256_of(pieces, count, digest))
        return false;
    memcpy(to, digest, DIGEST_BYTES);
    return true;
}

static bool digest_fault(Slice known_as, Slice said, const FaultLine *line, unsigned char *to)
{
    const Slice content[] = {line->time, ZERO, said, ZERO, line->record_id, PIECE(" "), line->data};
    Slice id = line->id;
    unsigned char digest[SHA256_BYTES];
    char hexadecimal[2 * SHA256_BYTES];
    if (!id.start) {
        if (!sha256_of(content, COUNT(content), digest))
            return false;
        write_hexadecimal(digest, hexadecimal);
        id = (Slice){hexadecimal, hexadecimal + sizeof(hexadecimal)};
    }
    const Slice fault[] = {known_as, ZERO, id};
    return digest_of(fault, COUNT(fault), to);
}

static bool digest_record(Slice known_as, const FaultLine *line, unsigned char *to)
{
    const Slice record[] = {known_as, ZERO, line->arn, ZERO, line->record_id, PIECE(" "), line->data};
    return digest_of(record, COUNT(record), to);
}

bool digest(Digests *digests, Slice known_as, Slice said, const FaultLine *line)
{
    return digest_fault(known_as, said, line, digests->fault) && digest_record(known_as, line, digests->record);
}
