#ifndef CNCBOPS_DIGEST_SET_H
#define CNCBOPS_DIGEST_SET_H

#include "native.h"

extern PyTypeObject digest_set_type;

#endif
