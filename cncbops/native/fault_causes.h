/* Why faults were raised, and by what: asked of Python once for many that say the same. */

#ifndef CNCBOPS_FAULT_CAUSES_H
#define CNCBOPS_FAULT_CAUSES_H

#include "fault_lines.h"
#include "packed.h"

enum { CAUSES = 16, GROUPS = 16 };

/* A partition key has at most 256 characters; what is longer than this is left to Python. */
enum { LONGEST_JOINED = 2048 };

/* A message that is longer than this is a cause of its own. */
enum { LONGEST_FORM = 512 };

/* What is taken of a Cause (see `cncbops.session.causes`). */
enum { KNOWN_AS, CAUSE_DIGEST, FUNCTION, LONGEST, ATTRIBUTES };

/* What the first of its faults says of it, the Cause, which is None where that is not usual, and False where no fault
   of it is chosen, how many bytes a record may have, and what those of some groups have in common. All messages of its
   faults have one `form`, kept in `room`, or are one, whose JSON is that. `stream_digest` is of its function and the `stream` that was
   last met. */
typedef struct {
    Slice said[COMMON], form;
    char room[LONGEST_FORM];
    PyObject *cause, *attributes[ATTRIBUTES];
    Py_ssize_t longest;
    Common *of_group[GROUPS];
    Slice stream;
    unsigned char stream_digest[DIGEST_BYTES];
} FaultCause;

/* Those that were met last, of whose groups each that ends otherwise has a place, and the `last` of all. `make` is
   Unit, `cause_of` is asked for a Cause. What faults said must stay where it is. `by_shape`: those are of one cause
   whose messages differ in nothing but ids and numbers. `room` has the text of the message that was last read. */
typedef struct {
    PyObject *make, *cause_of, *object;
    bool is_alone, by_shape;
    FaultCause at_hand[CAUSES], *last;
    char room[LONGEST_FORM];
} FaultCauses;

/* To be called once, before these; false with an exception set. */
bool prepare_fault_causes(void);

/* The cause of a fault, and its message, until the next is asked about, if that is not the Cause's: it else starts
   nowhere. NULL with an exception set, or not where that is not usual. */
FaultCause *fault_cause_of(FaultCauses *causes, const FaultLine *line, Slice *message);

/* Whether no fault of it is chosen: nothing else is known of such a cause. */
static inline bool fault_cause_is_left_out(const FaultCause *cause)
{
    return cause->cause == Py_False;
}

/* What a fault has in common with others of its cause and group. The same. */
Common *fault_common_of(FaultCauses *causes, FaultCause *cause, const FaultLine *line);

void fault_causes_release(FaultCauses *causes);

/* Writes some texts, each but the first behind a zero byte. What they are together starts nowhere where it is long. */
Text joined(char buffer[LONGEST_JOINED], const Slice *parts, size_t count);

#endif
