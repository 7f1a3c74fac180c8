#include "digests.h"

#include "native.h"

#include "sha256.h"
#include "utf8.h"

#define PIECE(literal) {literal, literal + sizeof(literal) - 1}
#define ZERO PIECE("\0")

/* As in Python: how long a record's id is that Kinesis gave, how data begins that is the JSON of an event whose first
   member is its id, but for what the tenth character may be, and how much of it tells it then. */
#define OF_KINESIS 77
#define ID_FIRST "eyJpZCI6I"
#define BEGINNING 88

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

static Slice known_as(const FaultCause *cause)
{
    const char *start = PyBytes_AS_STRING(cause->attributes[KNOWN_AS]);
    return (Slice){start, start + PyBytes_GET_SIZE(cause->attributes[KNOWN_AS])};
}

static Slice digest_slice(const unsigned char *digest)
{
    return (Slice){(const char *)digest, (const char *)digest + DIGEST_BYTES};
}

/* Has the cause know the digest of its function and the stream of a line: nearly always one. */
static bool meet_stream(FaultCause *cause, const FaultLine *line)
{
    if (slice_equal(cause->stream, line->arn))
        return true;
    const Slice stream[] = {known_as(cause), ZERO, line->arn};
    if (!digest_of(stream, COUNT(stream), cause->stream_digest))
        return false;
    cause->stream = line->arn;
    return true;
}

static bool digest_record(const FaultCause *cause, const FaultLine *line, unsigned char *to)
{
    const Slice record[] = {digest_slice(cause->stream_digest), line->record_id, PIECE(" "),
                            telling(line->record_id, line->data)};
    return digest_of(record, COUNT(record), to);
}

/* The digest of why a fault was raised, and of its function. An error's name has no escapes beside such a message. */
static bool digest_cause(const FaultCause *cause, const FaultLine *line, Slice message, unsigned char *to)
{
    const Slice why[] = {known_as(cause), ZERO, slice_unquoted(line->common[ERROR_NAME]), ZERO, message};
    if (message.start)
        return digest_of(why, COUNT(why), to);
    memcpy(to, PyBytes_AS_STRING(cause->attributes[CAUSE_DIGEST]), DIGEST_BYTES);
    return true;
}

static bool digest_fault(const FaultCause *cause, const FaultLine *line, Slice message, const unsigned char *record,
                         unsigned char *to)
{
    unsigned char own[DIGEST_BYTES];
    const Slice named[] = {known_as(cause), ZERO, line->id};
    const Slice nameless[] = {digest_slice(own), line->time, ZERO, digest_slice(record)};
    if (line->id.start)
        return digest_of(named, COUNT(named), to);
    return digest_cause(cause, line, message, own) && digest_of(nameless, COUNT(nameless), to);
}

bool digest(Digests *digests, FaultCause *cause, const FaultLine *line, Slice message)
{
    return meet_stream(cause, line) && digest_record(cause, line, digests->record) &&
           digest_fault(cause, line, message, digests->record, digests->fault);
}
