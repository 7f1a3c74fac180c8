#ifndef CNCBOPS_SHELVING_H
#define CNCBOPS_SHELVING_H

#include "native.h"

extern PyTypeObject shelving_type;

#endif
