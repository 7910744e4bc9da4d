"""Where the original report's data sets come from, and on what terms."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Provenance:
    """One data set as its owners describe it."""

    data_set: str
    authors: str
    organisation: str
    terms: str
    where: str
    kaggle: str  # owner/slug
    folder: str  # its place in data/raw


RAFDB = Provenance(
    data_set="RAF-DB",
    authors="Shan Li, Weihong Deng, JunPing Du (2017)",
    organisation=(
        "Pattern Recognition and Intelligent System Laboratory, "
        "Beijing University of Posts and Telecommunications"
    ),
    terms=(
        "Non-commercial research only, no redistribution; the owners require a signed "
        "agreement, and a mirror on Kaggle does not change that."
    ),
    where="www.whdeng.cn/raf/model1.html",
    kaggle="shuvoalok/raf-db-dataset",
    folder="rafdb",
)
FED = Provenance(
    data_set="FED 2023",
    authors="Prajval Patel",
    organisation="Kaggle",
    terms="No licence is stated: assume that all rights are reserved.",
    where="kaggle.com/datasets/prajvalpatel/facial-expression-detection-2023",
    kaggle="prajvalpatel/facial-expression-detection-2023",
    folder="fed2023",
)
OAHEGA = Provenance(
    data_set="OAHEGA",
    authors="Volodymyr Kovenko, Vitalii Shevchuk (2021)",
    organisation="Mendeley Data, V2",
    terms="CC BY-NC-SA 4.0: name the authors, not commercially, share alike.",
    where="doi.org/10.17632/5ck5zz6f2c.2",
    kaggle="sujaykapadnis/emotion-recognition-dataset",
    folder="oahega",
)
PROVENANCE = (RAFDB, FED, OAHEGA)
