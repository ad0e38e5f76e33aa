"""Makes files of cells for a dataset: several .h5ad with their own genes, donors and labels, and a build file over them.

    dataset_files.py FOLDER --seed N

Expression depends on the cell type, so that highly variable genes and pathways have something to find.
"""

import argparse
import warnings
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

warnings.filterwarnings("ignore")
parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--seed", type=int, required=True)
arguments = parser.parse_args()
random = np.random.default_rng(arguments.seed)
folder = Path(arguments.folder)

names = {"CL:0000236": "B cell", "CL:0000084": "T cell", "CL:0000623": "natural killer cell",
         "CL:0000576": "monocyte", "CL:0000451": "dendritic cell"}
types = list(names)
all_genes = [f"ENSG{i:011d}" for i in range(1, 301)]
symbols = {gene: f"GENE{i}" for i, gene in enumerate(all_genes)}
up = {term: set(random.choice(all_genes, 40, replace=False)) for term in types}


def counts(terms, genes):
    rates = random.gamma(0.4, 1.0, len(genes))
    rows = []
    for term in terms:
        factor = np.array([6.0 if gene in up[term] else 1.0 for gene in genes])
        rows.append(random.poisson(rates * factor * random.gamma(3, 0.3)))
    return sp.csr_matrix(np.array(rows), dtype=np.float32)


for number in range(1, 4):
    cells = int(random.integers(120, 260))
    genes = list(random.permutation(random.choice(all_genes, 220, replace=False)))
    terms = [types[int(i)] for i in random.choice(len(types), cells, p=[0.4, 0.3, 0.15, 0.1, 0.05])]
    donors = [f"P{int(i)}" for i in random.integers(0, 9, cells)]
    sick = {donor: random.random() < 0.4 for donor in sorted(set(donors))}
    disease = [("influenza || COVID-19" if d.endswith("3") else "COVID-19") if sick[d] else "normal" for d in donors]
    obs = pd.DataFrame(
        {
            "cell_type": [names[t] for t in terms],
            "cell_type_ontology_term_id": terms,
            "tissue": random.choice(["blood", "lung parenchyma", "bronchus"], cells, p=[0.5, 0.3, 0.2]),
            "disease": disease,
            "sex": [["male", "female", "unknown"][hash_ % 3] for hash_ in (int(d[1:]) for d in donors)],
            "development_stage": [f"{20 + 7 * int(d[1:])}-year-old stage" for d in donors],
            "assay": random.choice(["10x 3' v3", "10x 3' v2", "Smart-seq2"], cells, p=[0.6, 0.3, 0.1]),
            "donor_id": donors,
            "organism": "Homo sapiens",
            "tissue_type": random.choice(["tissue", "cell culture"], cells, p=[0.9, 0.1]),
            "is_primary_data": random.random(cells) < 0.9,
        },
        index=[f"AAAC{i:05d}-1" for i in range(cells)],
    )
    obs["tissue_general"] = obs["tissue"].map({"blood": "blood", "lung parenchyma": "lung", "bronchus": "lung"})
    obs.loc[obs.index[:3], "cell_type"] = "unknown"
    if number > 1:
        obs["dataset_id"] = random.choice([f"set-{number}a", f"set-{number}b"], cells)
    data = anndata.AnnData(counts(terms, genes), obs=obs.astype({c: "category" for c in obs if c != "is_primary_data"}))
    data.var_names = [gene + (".7" if random.random() < 0.2 else "") for gene in genes]
    data.var["feature_name"] = [symbols[gene] for gene in genes]
    if random.random() < 0.5:
        data.X = data.X.tocsc()
    data.write_h5ad(folder / f"part-{number}.h5ad", compression="gzip" if random.random() < 0.5 else None)

with open(folder / "sets.gmt", "w") as gmt, open(folder / "sentences.tsv", "w") as table:
    for i, term in enumerate(types):
        gmt.write("\t".join([f"SET_{i}", "none", *sorted(symbols[g] for g in up[term])]) + "\n")
        table.write(f"SET_{i}\tGenes of {names[term]}s.\n")
(folder / "build.toml").write_text(f"""
name = "random"
seed = {arguments.seed}
[[sources]]
plugin = "h5ad"
path = "{folder}/part-*.h5ad"
[sample]
cells = {int(random.integers(150, 300))}
[genes]
highly_variable = 150
[pathways]
sets = "{folder}/sets.gmt"
descriptions = "{folder}/sentences.tsv"
minimum_coverage = 0.1
ties = "column"
[descriptions]
ontology = "data/demo/cl.obo"
[write]
cells_per_file = 100
""")
