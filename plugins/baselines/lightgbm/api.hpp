// The calls of LightGBM's C interface that this plugin makes, as version 4.7.0 of PyPI's wheel `lightgbm` exports them
// (LightGBM, MIT licence; the interface is documented at lightgbm.readthedocs.io, C API). The wheel has no header;
// these declarations are our own. Each returns 0, or -1 with the reason in LGBM_GetLastError, except for that one.
#pragma once

#include <cstdint>

namespace cell2text::lightgbm::api {

inline constexpr const char* version = "4.7.0";
inline constexpr int major_version = 4;  ///< of which the calls below have kept their form

using Dataset = void*;
using Booster = void*;

inline constexpr int float32 = 0, int64 = 3;  ///< types of data: C_API_DTYPE_...
inline constexpr int predict_normal = 0;      ///< probabilities
inline constexpr int importance_split = 0;    ///< what a saved model notes of its features

using GetLastError = const char*();
using DatasetCreateFromMat = int(const void* data, int data_type, std::int32_t rows, std::int32_t columns,
                                 int is_row_major, const char* parameters, Dataset reference, Dataset* out);
using DatasetCreateFromCSR = int(const void* row_starts, int row_starts_type, const std::int32_t* columns,
                                 const void* data, int data_type, std::int64_t num_row_starts, std::int64_t num_values,
                                 std::int64_t num_columns, const char* parameters, Dataset reference, Dataset* out);
using DatasetSetField = int(Dataset, const char* field, const void* data, int num_elements, int type);
using DatasetFree = int(Dataset);
using BoosterCreate = int(Dataset train, const char* parameters, Booster* out);
using BoosterAddValidData = int(Booster, Dataset validation);
using BoosterUpdateOneIter = int(Booster, int* is_finished);
using BoosterGetEval = int(Booster, int dataset, int* num_results, double* results);
using BoosterPredictForMat = int(Booster, const void* data, int data_type, std::int32_t rows, std::int32_t columns,
                                 int is_row_major, int predict_type, int first_iteration, int num_iterations,
                                 const char* parameters, std::int64_t* num_results, double* results);
using BoosterPredictForCSR = int(Booster, const void* row_starts, int row_starts_type, const std::int32_t* columns,
                                 const void* data, int data_type, std::int64_t num_row_starts, std::int64_t num_values,
                                 std::int64_t num_columns, int predict_type, int first_iteration, int num_iterations,
                                 const char* parameters, std::int64_t* num_results, double* results);
using BoosterSaveModelToString = int(Booster, int first_iteration, int num_iterations, int importance_type,
                                     std::int64_t buffer_bytes, std::int64_t* needed_bytes, char* buffer);
using BoosterLoadModelFromString = int(const char* model, int* num_iterations, Booster* out);
using BoosterFree = int(Booster);

}  // namespace cell2text::lightgbm::api
