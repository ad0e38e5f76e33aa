// What a program that runs plugins needs beside cell2text.hpp. Pulls in Boost, toml++ and HDF5, which the
// program links itself.
#pragma once

#include "cell2text/cell2text.hpp"
#include "cell2text/device.hpp"
#include "cell2text/experiment.hpp"
#include "cell2text/experiment_run.hpp"
#include "cell2text/io/anndata.hpp"
#include "cell2text/io/h5ad_writer.hpp"
#include "cell2text/io/hdf5.hpp"
#include "cell2text/io/hdf5_filters.hpp"
#include "cell2text/io/hdf5_object.hpp"
#include "cell2text/io/hdf5_probe.hpp"
#include "cell2text/io/hdf5_write.hpp"
#include "cell2text/io/tensorboard.hpp"
#include "cell2text/io/toml.hpp"
#include "cell2text/model_builder.hpp"
#include "cell2text/model_folder.hpp"
#include "cell2text/registry.hpp"
#include "cell2text/run_folder.hpp"
