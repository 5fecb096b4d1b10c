"""A whole gateway in enhanced mode: the commit on the line, the application's word by itself."""

import shutil

import pytest
from prometheus_client import CollectorRegistry

from gateway.core.datafiles import data_folder
from gateway.entry.sender_lines import Address, MllpLine
from gateway.entry.serve import Gateway
from gateway.entry.settings import load
from gateway.hl7v2.answers import read_answer
from gateway.simulation.hospital import Hospital
from tests.unit.hl7v2.compose import admission, with_msh

SITE = """
destinations:
  gam: {{host: localhost, port: {port}}}
acks_to: gam
mails_to: ""
mailbox: ""
"""


@pytest.fixture
async def hospital():
    double = Hospital()
    await double.start()
    yield double
    await double.stop()


@pytest.fixture
async def gateway(tmp_path, hospital):
    mappings = tmp_path / "mappings"
    shutil.copytree(data_folder("mappings"), mappings)
    site = mappings / "sites" / "demo.yaml"
    text = site.read_text(encoding="utf-8").partition("destinations:")[0]
    site.write_text(text + SITE.format(port=hospital.port), encoding="utf-8")
    made = Gateway(
        load(
            mappings=mappings,
            store={"url": f"sqlite:///{tmp_path}/serve.db"},
            http={"port": 0},
            mllp={"port": 0},
            hooks={"poll_s": 0.05},
        ),
        registry=CollectorRegistry(),
    )
    await made.start()
    yield made
    await made.stop()


@pytest.mark.field("FL-078")
async def test_the_application_answers_through_the_destination_of_its_source(gateway, hospital):
    body = admission(MSH=with_msh(16, "AL", with_msh(15, "AL", with_msh(3, "DEMO-GAM"))))
    line = await MllpLine.open(Address.parse(f"mllp://127.0.0.1:{gateway.mllp_ports[0]}"))

    committed = read_answer(await line.exchange(body, 20))
    line.close()
    await hospital.arrived(1)

    assert committed is not None
    assert (committed.code, committed.control_id) == ("CA", "G0001")
    told = read_answer(hospital.received[0])
    assert told is not None
    assert (told.code, told.control_id) == ("AA", "G0001")
