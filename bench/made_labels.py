"""Labels of the cells that make_cells.py makes up: which datasets and donors there are, what each donor has, and of the
cells of one file all obs columns. Few values are frequent and most are rare, as in CELLxGENE."""
import dataclasses
import pathlib

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATASETS, DONORS = 100, 5_000

# Organs with their tissues; the share of the first ones, the others follow a power law.
ORGANS = """
brain: cerebral cortex, dorsolateral prefrontal cortex, middle temporal gyrus, hippocampal formation, cerebellum, substantia nigra pars compacta, primary visual cortex, hypothalamus, striatum, thalamic complex
blood: blood, venous blood, umbilical cord blood
lung: lung, upper lobe of left lung, lower lobe of right lung, lung parenchyma, alveolar system, bronchus
eye: retina, macula lutea, peripheral region of retina, cornea, choroid, iris
breast: breast, upper outer quadrant of breast, mammary gland
heart: heart left ventricle, heart right ventricle, interventricular septum, left cardiac atrium, apex of heart
kidney: kidney, cortex of kidney, renal medulla, renal papilla
liver: liver, caudate lobe of liver, right lobe of liver
bone marrow: bone marrow
lymph node: lymph node, mesenteric lymph node, thoracic lymph node
small intestine: small intestine, ileum, duodenum, jejunum, lamina propria of small intestine
large intestine: colon, ascending colon, sigmoid colon, rectum, caecum, transverse colon
skin of body: skin of body, skin of abdomen, skin of forearm, skin of scalp, dermis
spleen: spleen
pancreas: pancreas, islet of Langerhans, exocrine pancreas
adipose tissue: adipose tissue, subcutaneous adipose tissue, omental fat pad
nose: nose, nasal cavity, olfactory epithelium
esophagus: esophagus, esophagus mucosa, esophagus muscularis mucosa
stomach: stomach, body of stomach, cardia of stomach
prostate gland: prostate gland, transition zone of prostate, peripheral zone of prostate
uterus: uterus, endometrium, myometrium, decidua
ovary: ovary, left ovary, right ovary
placenta: placenta, chorionic villus, basal plate
musculature: skeletal muscle tissue, vastus lateralis, gastrocnemius
spinal cord: spinal cord, cervical spinal cord white matter
adrenal gland: adrenal gland, adrenal cortex
"""
FIRST_ORGANS = [0.22, 0.19, 0.09, 0.06]
DISEASES = """
normal, COVID-19, lung adenocarcinoma, dementia, breast carcinoma, systemic lupus erythematosus, Crohn disease,
Alzheimer disease, multiple sclerosis, dilated cardiomyopathy, pulmonary fibrosis, glioblastoma, acute myeloid leukemia,
chronic kidney disease, ulcerative colitis, colorectal cancer, Parkinson disease, type 2 diabetes mellitus,
age related macular degeneration 7, myocardial infarction, clear cell renal carcinoma, interstitial lung disease,
chronic obstructive pulmonary disease, squamous cell lung carcinoma, cystic fibrosis, psoriasis, atopic eczema,
rheumatoid arthritis, influenza, acute kidney failure, B-cell acute lymphoblastic leukemia, follicular lymphoma,
plasma cell myeloma, melanoma, neuroblastoma, pancreatic ductal adenocarcinoma, hepatocellular carcinoma, gastric cancer,
basal cell carcinoma, arrhythmogenic right ventricular cardiomyopathy, non-compaction cardiomyopathy, pneumonia,
tuberculosis, malaria, Down syndrome, epilepsy, amyotrophic lateral sclerosis, frontotemporal dementia,
Huntington disease, major depressive disorder, autism spectrum disorder, schizophrenia, cataract, glaucoma, keratoconus,
endometriosis, preeclampsia, benign prostatic hyperplasia, gingivitis, Barrett esophagus
"""
FIRST_DISEASES = [0.59, 0.06]
ASSAYS = {"10x 3' v3": 0.48, "10x 3' v2": 0.24, "10x 5' v1": 0.08, "10x multiome": 0.06, "10x 5' v2": 0.05,
          "sci-RNA-seq": 0.03, "Drop-seq": 0.02, "Seq-Well": 0.015, "microwell-seq": 0.015, "Smart-seq2": 0.01}
SEXES = ["female", "male", "unknown"]
ETHNICITIES = ["European", "unknown", "African American", "Asian", "Hispanic or Latin American"]
UNKNOWN_TYPES = 0.01  # cells without a known cell type


def names_in(text):
    return [name.strip() for name in text.replace("\n", " ").split(",")]


def shares(first, count):
    """`count` shares: the first ones, and a power law for what is left."""
    rest = 1 / np.arange(2, count - len(first) + 2)
    return np.concatenate([first, (1 - sum(first)) * rest / rest.sum()])


def balanced(sizes, wanted, order):
    """A category for each part of given size, so that the categories' shares of all come near those wanted."""
    left, category = wanted * sizes.sum(), np.empty(len(sizes), dtype=np.int64)
    for part in order:
        category[part] = left.argmax()
        left[category[part]] -= sizes[part]
    return category


def cell_types(count, random):
    """Names and ids of terms of the Cell Ontology in use, and "unknown" at the end."""
    terms = []
    for block in (ROOT / "data/demo/cl.obo").read_text().split("\n[Term]\n")[1:]:
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "is_obsolete" not in fields and fields["id"].startswith("CL:") and "Mmus" not in fields["name"]:
            terms.append((fields["name"], fields["id"]))
    chosen = [terms[i] for i in random.permutation(len(terms))[:count]]
    return [name for name, _ in chosen] + ["unknown"], [term for _, term in chosen] + ["unknown"]


@dataclasses.dataclass
class Labels:
    """Of the cells of one file."""
    names: list
    cell_type: np.ndarray
    profile: np.ndarray  # the type whose genes they express
    columns: dict  # of obs: values, or codes and categories


class Plan:
    """What holds for all files: sizes of datasets and donors, and everything that a donor has one of."""

    def __init__(self, cells, types, random):
        self.cells, self.types = cells, types
        self.type_names, self.type_ids = cell_types(types, random)
        datasets = np.arange(1, DATASETS + 1) ** -0.7
        datasets /= datasets.sum()
        of_dataset = 1 + random.multinomial(DONORS - DATASETS, datasets**0.6 / (datasets**0.6).sum())
        self.dataset = np.repeat(np.arange(DATASETS), of_dataset)  # of each donor
        size = random.lognormal(0, 1, DONORS)
        size *= datasets[self.dataset] / np.bincount(self.dataset, size)[self.dataset]
        self.ends = np.round(np.cumsum(size) * cells).astype(np.int64)
        self.ends[-1] = cells
        self.dataset_ids = [random.bytes(16).hex() for _ in range(DATASETS)]
        self.dataset_ids = [f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}" for h in self.dataset_ids]
        self.plan_donors(size, of_dataset, random)
        self.plan_datasets(datasets, random)

    def plan_donors(self, size, of_dataset, random):
        """Ids are unique within a dataset only, and some are not known."""
        self.diseases = names_in(DISEASES)
        self.disease = balanced(size, shares(FIRST_DISEASES, len(self.diseases)), random.permutation(DONORS))
        self.donor_ids = [f"P{i + 1}" for i in range(of_dataset.max())] + ["unknown"]
        self.donor_id = np.concatenate([np.arange(n) for n in of_dataset])
        self.donor_id[random.random(DONORS) < 0.02] = len(self.donor_ids) - 1
        self.sex = random.choice(3, DONORS, p=[0.44, 0.46, 0.1])
        self.ages = [f"{age}-year-old stage" for age in range(1, 96)] + ["newborn stage (0-28 days)", "unknown"]
        self.age = random.normal(50, 22, DONORS).astype(np.int64).clip(0, 94)
        self.age[random.random(DONORS) < 0.03], self.age[random.random(DONORS) < 0.08] = 95, 96
        self.ethnicity = random.choice(len(ETHNICITIES), DONORS, p=[0.4, 0.35, 0.1, 0.1, 0.05])

    def plan_datasets(self, size, random):
        organs = [line.split(": ") for line in ORGANS.strip().splitlines()]
        self.organs = [organ for organ, _ in organs]
        self.tissues = [name for _, names in organs for name in names_in(names)]
        counts = np.array([len(names_in(names)) for _, names in organs])
        self.first_tissue = np.cumsum(counts) - counts
        self.organ = balanced(size, shares(FIRST_ORGANS, len(organs)), np.arange(DATASETS))
        self.num_tissues = np.minimum(random.integers(1, 5, DATASETS), counts[self.organ])
        self.tissue_offset = random.integers(0, counts[self.organ] - self.num_tissues + 1)
        self.assay = balanced(size, np.array(list(ASSAYS.values())), np.arange(DATASETS))
        self.nucleus = random.random(DATASETS) < 0.3
        self.primary = np.arange(DATASETS) != 12  # copies of cells of another dataset
        self.culture = np.arange(DATASETS) == 60
        weights = 1 / np.arange(1, self.types + 1) * random.lognormal(0, 2.5, (len(organs), self.types))
        self.type_edges = np.cumsum(weights, axis=1) / weights.sum(axis=1, keepdims=True)

    def labels(self, first, cells, random):
        """Of the cells `first` and on."""
        donor = np.searchsorted(self.ends, np.arange(first, first + cells), side="right")
        dataset = self.dataset[donor]
        organ = self.organ[dataset]
        tissue = self.first_tissue[organ] + self.tissue_offset[dataset]
        tissue += (random.random(cells) ** 2 * self.num_tissues[dataset]).astype(np.int64)
        kind, drawn = np.empty(cells, dtype=np.int64), random.random(cells)
        for one in np.unique(organ):
            kind[organ == one] = np.searchsorted(self.type_edges[one], drawn[organ == one])
        kind = kind.clip(max=self.types - 1)
        shown = np.where(random.random(cells) < UNKNOWN_TYPES, self.types, kind)
        columns = {"cell_type": (shown, self.type_names), "cell_type_ontology_term_id": (shown, self.type_ids),
                   "tissue": (tissue, self.tissues), "tissue_general": (organ, self.organs),
                   "tissue_type": (self.culture[dataset].astype(int), ["tissue", "cell culture"]),
                   "disease": (self.disease[donor], self.diseases), "sex": (self.sex[donor], SEXES),
                   "development_stage": (self.age[donor], self.ages),
                   "self_reported_ethnicity": (self.ethnicity[donor], ETHNICITIES),
                   "assay": (self.assay[dataset], list(ASSAYS)), "donor_id": (self.donor_id[donor], self.donor_ids),
                   "dataset_id": (dataset, self.dataset_ids),
                   "suspension_type": (self.nucleus[dataset].astype(int), ["cell", "nucleus"]),
                   "organism": (np.zeros(cells, dtype=np.int64), ["Homo sapiens"]),
                   "is_primary_data": self.primary[dataset]}
        return Labels([f"made-{i:09}" for i in range(first, first + cells)], shown, kind, columns)
