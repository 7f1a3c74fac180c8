/* What tells a fault, and its record, from all others: what `cncbops.faults.identity` makes of them. */

#ifndef CNCBOPS_DIGESTS_H
#define CNCBOPS_DIGESTS_H

#include "fault_causes.h"
#include "packed_unit.h"

/* Fills in the digests of a fault, and of its record. `message` starts nowhere where the fault has its Cause's. False
   with an exception set where it fails. */
bool digest(Digests *digests, FaultCause *cause, const FaultLine *line, Slice message);

#endif
