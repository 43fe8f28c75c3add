/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SCU_API_H
#define SCU_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__cplusplus)
#define SCU_LINKAGE extern "C"
#else
#define SCU_LINKAGE
#endif

#if defined(__GNUC__)
#define SCU_API SCU_LINKAGE __attribute__((visibility("default")))
#define SCU_MUST_CHECK __attribute__((warn_unused_result))
#define SCU_FORMAT(text, first) __attribute__((format(printf, text, first)))
#else
#define SCU_API SCU_LINKAGE
#define SCU_MUST_CHECK
#define SCU_FORMAT(text, first)
#endif

#endif
