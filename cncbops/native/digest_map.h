#ifndef CNCBOPS_DIGEST_MAP_H
#define CNCBOPS_DIGEST_MAP_H

#include "native.h"

extern PyTypeObject digest_map_type;

#endif
