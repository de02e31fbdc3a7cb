"""Damaged files for every reader: `python benchmarks/mutations.py [--count 5000] [READER ...]`.

A good file of each kind is damaged at random, and read in a child of this process. It may be read or refused by an
`InputError`; any other exception, the end of the child, more than five seconds of the processor or a GiB, another file
that is opened or a program that is run are told, with what to give `damaged` to make that file again. Exit status 1 if
there is one.
"""

import logging
import os
import random
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import h5py
import nibabel
import numpy as np
import torch
import typer
from PIL import Image
from scipy.io import savemat

from invdiff.cli import app
from invdiff.cli.run_file import read_run
from invdiff.data import (
    Geometry,
    NonCartesianScan,
    Plane,
    Scan,
    Trajectory,
    open_scan,
    radial,
    read_image,
    read_picture,
    read_scan,
    write_scan,
)
from invdiff.data.formats import read_recording
from invdiff.diffusion import Posterior
from invdiff.errors import InputError
from invdiff.priors import Intensity, ScorePrior, UNet, Velocity, load_prior, save_prior
from invdiff.priors.checkpoints.published import find_published
from invdiff.reconstruction import (
    Course,
    Reconstruction,
    WrittenSamples,
    conformal_for,
    read_labels,
    read_reconstructed,
)
from invdiff.reconstruction.writers.dicom_template import Template
from invdiff.training import DicomImages, FastMRIImages, GroupedImages, NiftiImages, NpyImages
from invdiff.training import read_config as read_training_config

SECONDS, WAIT, BYTES, ROOM = 5.0, 120.0, 2**30, 2**32
RUNS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "socket.connect")
HANGS = {
    signal.SIGPROF: f"hang: computes for more than {SECONDS:g} s",
    signal.SIGALRM: f"hang: waits for more than {WAIT:g} s",
}
Fill = Callable[[Path], None]

NUMBERS = np.random.default_rng(0)
KSPACE = (NUMBERS.standard_normal((2, 2, 8, 6)) + 1j * NUMBERS.standard_normal((2, 2, 8, 6))).astype(np.complex64)
VOLUME = (100 * np.abs(KSPACE[:, 0])).astype(np.int16)
HEADER = """<ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD"><experimentalConditions><H1resonanceFrequency_Hz>1
</H1resonanceFrequency_Hz></experimentalConditions><encoding><encodedSpace><matrixSize><x>8</x><y>6</y><z>1</z></matrixSize>
<fieldOfView_mm><x>1</x><y>1</y><z>1</z></fieldOfView_mm></encodedSpace><reconSpace><matrixSize><x>8</x><y>6</y><z>1</z>
</matrixSize><fieldOfView_mm><x>1</x><y>1</y><z>1</z></fieldOfView_mm></reconSpace><encodingLimits/>
<trajectory>cartesian</trajectory></encoding></ismrmrdHeader>"""
TRAINING = "data: {kind: npy, path: images}\nsteps: 10\n"
RUN = (
    "method: fast\nsettings: {steps: 3, noise_floor: 0.01}\nversion: 1\ninputs: [scan.h5]\nprior: builtin\nsamples: 2\n"
    "audit: false\nnoise_std: 0.01\n"
)
NETWORK = "{sde: vesde, nf: 8, ch_mult: [1, 2], image_size: 16, num_res_blocks: 1, centered: false, sigma_max: 50.0}\n"


PLANES = tuple(Plane((0.0, 0.0, k), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)) for k in range(2))
GEOMETRY = Geometry((8, 6), (8.0, 6.0), planes=PLANES)


def _scan(path: Path) -> None:
    known = {"noise_std": 0.1, "noise": KSPACE[0, :, 0], "geometry": GEOMETRY}
    write_scan(Scan(KSPACE, maps=KSPACE, attributes={"a": 1.0, "b": "c"}, **known), path)


def _packed_scan(path: Path) -> None:
    with h5py.File(path, "w", libver="latest") as file:
        file.create_dataset("kspace", data=KSPACE, chunks=(1, 2, 8, 6), compression="gzip", shuffle=True)
        file["mask"], file["ismrmrd_header"] = np.ones(6), HEADER


def _long_scan(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["kspace"] = np.repeat(KSPACE, 5, axis=0)


def _volume(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["kspace"], file["mask"] = KSPACE[None], np.ones((2, 8))


def _bart_volume(path: Path) -> None:
    path.with_suffix(".hdr").write_text("# Dimensions\n6 8 2 2\n")
    path.with_suffix(".cfl").write_bytes(KSPACE.tobytes())


def _raw_data(path: Path, partitions: int = 1) -> None:
    import ismrmrd

    with ismrmrd.Dataset(str(path), "dataset", create_if_needed=True) as dataset:
        dataset.write_xml_header(HEADER.replace("<z>1</z></matrixSize>", f"<z>{partitions}</z></matrixSize>").encode())
        for partition, line in np.ndindex(partitions, 6):
            acquisition = ismrmrd.Acquisition.from_array(KSPACE[partition, :, :, line].copy())
            acquisition.center_sample, acquisition.idx.kspace_encode_step_1 = 4, line
            acquisition.idx.kspace_encode_step_2 = partition
            dataset.append_acquisition(acquisition)


def _spokes(path: Path, partitions: int = 1, shorter: int = 0) -> None:
    import ismrmrd

    points = radial(6, 8).points.astype(np.float32)
    header = HEADER.replace("cartesian", "radial").replace("<z>1</z></matrixSize>", f"<z>{partitions}</z></matrixSize>")
    with ismrmrd.Dataset(str(path), "dataset", create_if_needed=True) as dataset:
        dataset.write_xml_header(header.encode())
        for partition, spoke in np.ndindex(partitions, 6):
            end = 8 - spoke % (shorter + 1)
            samples, places = KSPACE[partition, :, :end, spoke].copy(), points[spoke, :end].copy()
            acquisition = ismrmrd.Acquisition.from_array(samples, places)
            acquisition.center_sample, acquisition.idx.kspace_encode_step_1 = 4, spoke
            acquisition.idx.kspace_encode_step_2 = partition
            dataset.append_acquisition(acquisition)


def _along(path: Path) -> None:
    trajectory = Trajectory(radial(12, 8).points.reshape(2, 6, 8, 2), np.arange(8) < 8 - np.arange(6)[:, None] % 2)
    scan = NonCartesianScan(KSPACE.swapaxes(2, 3), trajectory, (8, 6), maps=KSPACE, noise_std=0.1)
    write_scan(scan, path)


def _matlab_along(path: Path) -> None:
    points = radial(6, 8).points @ [1, 1j]
    savemat(path, {"rawdata": KSPACE[0].transpose(1, 2, 0), "k": points.T, "matrix": np.array([8, 6])})
    _undate(path)


def _stream(path: Path) -> None:
    import mrd

    size = mrd.EncodingSpaceType(matrix_size=mrd.MatrixSizeType(x=8, y=6, z=1))
    with path.open("wb") as file, mrd.BinaryMrdWriter(file) as writer:
        writer.write_header(mrd.Header(encoding=[mrd.EncodingType(encoded_space=size)]))
        for line in range(6):
            head = mrd.AcquisitionHeader(idx=mrd.EncodingCounters(kspace_encode_step_1=line))
            data = np.ascontiguousarray(KSPACE[0, :, :, line])
            writer.write_data([mrd.StreamItem.Acquisition(mrd.Acquisition(head=head, data=data))])


def _stream_body(path: Path) -> None:
    _stream(path)
    path.write_bytes(path.read_bytes()[_length_of_schema(path) :])


def _with_schema(path: Path) -> Scan:
    """The scan in a stream without its schema, which is ten times as long as the rest, and may not be changed."""
    whole = path.with_name("whole.mrd2")
    _stream(whole)
    whole.write_bytes(whole.read_bytes()[: _length_of_schema(whole)] + path.read_bytes())
    return read_scan(whole)


def _length_of_schema(path: Path) -> int:
    import mrd

    schema = mrd.BinaryMrdWriter.schema.encode()
    return path.read_bytes().index(schema) + len(schema)


def _bart_header(path: Path) -> None:
    path.write_text("# Dimensions\n8 6 1 2\n")
    path.with_suffix(".cfl").write_bytes(KSPACE[0].tobytes())


def _bart_numbers(path: Path) -> None:
    path.write_bytes(KSPACE[0].tobytes())
    path.with_suffix(".hdr").write_text("# Dimensions\n8 6 1 2\n")


def _matlab(path: Path) -> None:
    savemat(
        path, {"ksp": KSPACE.transpose(2, 3, 1, 0), "s_maps": KSPACE.transpose(2, 3, 1, 0), "mask": np.ones((8, 6))}
    )
    _undate(path)


def _packed_matlab(path: Path) -> None:
    savemat(path, {"kspace_full": KSPACE.transpose(2, 3, 1, 0), "said": "text"}, do_compression=True)
    _undate(path)


def _undate(path: Path) -> None:
    """Have a file be the same on every day."""
    with path.open("r+b") as file:
        file.write(b"MATLAB 5.0 MAT-file".ljust(116))


def _matlab_in_hdf5(path: Path) -> None:
    with h5py.File(path, "w", userblock_size=512) as file:
        file["kspace_full"] = KSPACE.swapaxes(-1, -2).copy().view([("real", "<f4"), ("imag", "<f4")])
        file["kspace_full"].attrs["MATLAB_class"] = np.bytes_("single")
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")


def _orders(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["kspace"] = np.tile(KSPACE[0], (1, 3, 3))


def _with_maps(path: Path) -> Scan:
    scan = path.with_suffix(".npy")
    np.save(scan, KSPACE)
    return read_scan(scan, axes="slice,coil,y,x", maps=path)


def _picture(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["image"], file["mask"], file["noise_std"] = VOLUME, VOLUME[0] > 20, 0.5


def _recording(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["measurement"], file["ground_truth"], file["noise_std"] = VOLUME[:, :, :4], VOLUME, 0.5


def _result(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["image"] = KSPACE[0]


def _samples(path: Path) -> None:
    image, estimate = KSPACE.mean(axis=1), KSPACE[:, 0]
    Reconstruction(KSPACE, image, None, {"slice": np.arange(2), "affine": np.eye(4).tolist()}, estimate).write(path)


def _whole_result(path: Path) -> None:
    attributes = {"slice": np.arange(2), "method": "fast"}
    course = Course(*(np.ones(shape, np.float32) for shape in ((2, 5), (2, 2, 5), (2, 2, 5))))
    made = Reconstruction(KSPACE, KSPACE[:, 0], KSPACE[:, 1], attributes, KSPACE[:, 0], GEOMETRY, 2 * KSPACE)
    replace(made, courses={"samples": course}).write(path)


def _group(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["a/b/c/images"] = VOLUME
        file["a/b/c"].attrs["split"] = "train"


def _reconstructions(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["reconstruction_rss"] = VOLUME


def _nifti(path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(VOLUME.transpose(1, 2, 0), np.eye(4)), path)


def _dicom(path: Path) -> None:
    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, MRImageStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    image = pydicom.Dataset()
    image.file_meta = meta
    image.NumberOfFrames, image.Rows, image.Columns = VOLUME.shape
    image.BitsAllocated = image.BitsStored = 16
    image.SamplesPerPixel, image.PixelRepresentation, image.PhotometricInterpretation = 1, 1, "MONOCHROME2"
    image.PixelSpacing, image.SliceThickness, image.RescaleSlope = [1.5, 1.25], 5, 2
    image.ImagePositionPatient, image.ImageOrientationPatient = [1, 2, 3], [1, 0, 0, 0, 1, 0]
    image.StudyInstanceUID = image.SeriesInstanceUID = image.FrameOfReferenceUID = "1.2.3"
    image.PixelData = VOLUME.tobytes()
    image.save_as(path, enforce_file_format=True)


def _grey(path: Path) -> None:
    Image.fromarray(VOLUME[0].astype(np.uint8)).save(path)


def _prior(path: Path) -> None:
    torch.manual_seed(0)
    network = UNet(channels=2, widths=(4, 8), blocks=1, embedding=4, patch=1, norm="none")
    save_prior(
        ScorePrior(network, Velocity(), channels=(1, 2), sigma_range=(0.01, 9.0), intensity=Intensity(99.0, 1.0)), path
    )


def _posterior(path: Path) -> None:
    Posterior(torch.from_numpy(KSPACE), 1.0, 30, (3.0, 0.1)).save(path)


def _text(words: str) -> Fill:
    return lambda path: path.write_text(words) and None


def _trained(source: Any, **settings: Any) -> Callable[[Path], Any]:
    return lambda path: source(path=path, val_fraction=None, **settings).read("train")


@dataclass(frozen=True)
class Reader:
    """What reads a kind of file, and a good one of them."""

    suffix: str
    fill: Fill
    read: Callable[[Path], Any]


def _all_slices(path: Path) -> None:
    scan = open_scan(path)
    for index in range(scan.slices):
        scan.select([index])


def _run(path: Path) -> None:
    command = typer.main.get_command(app)
    assert isinstance(command, typer.core.TyperGroup)
    read_run(typer.Context(command.commands["solve"]), path)


def _all_samples(path: Path) -> None:
    written = WrittenSamples.of(path)
    conformal_for(written.attributes, written.shape[1])
    assert written.affine is None or written.affine.shape == (4, 4)
    for row in range(len(written.numbers)):
        written[row]


READERS = {
    "HDF5": Reader(".h5", _scan, read_scan),
    "HDF5, compressed": Reader(".h5", _packed_scan, read_scan),
    "HDF5, slice by slice": Reader(".h5", _long_scan, _all_slices),
    "HDF5 of a volume": Reader(".h5", _volume, _all_slices),
    "HDF5 picture": Reader(".h5", _picture, read_picture),
    "HDF5 recording": Reader(".h5", _recording, read_recording),
    "npz recording": Reader(
        ".npz", lambda path: np.savez(path, measurement=VOLUME, image_shape=(8, 6), noise_std=0.1), read_recording
    ),
    "HDF5 reconstruction": Reader(".h5", _result, read_reconstructed),
    "HDF5 reconstruction, whole": Reader(".h5", _whole_result, Reconstruction.read),
    "HDF5 samples": Reader(".h5", _samples, _all_samples),
    "labels": Reader(".nii", _nifti, lambda path: read_labels(path, VOLUME.shape)),
    "HDF5 of training": Reader(".h5", _reconstructions, _trained(FastMRIImages, drop_slices=0)),
    "HDF5 of groups": Reader(".h5", _group, lambda path: GroupedImages(path=path).read("train")),
    "ISMRMRD": Reader(".mrd", _raw_data, read_scan),
    "ISMRMRD along a trajectory": Reader(".mrd", _spokes, open_scan),
    "ISMRMRD of a stack of stars": Reader(".mrd", partial(_spokes, partitions=2), open_scan),
    "ISMRMRD of readouts of several lengths": Reader(".mrd", partial(_spokes, shorter=2), open_scan),
    "HDF5 along a trajectory": Reader(".h5", _along, open_scan),
    "npz along a trajectory": Reader(
        ".npz", lambda path: np.savez(path, ksp=KSPACE.swapaxes(2, 3), traj=16 * radial(6, 8).points), open_scan
    ),
    "MATLAB along a trajectory": Reader(".mat", _matlab_along, open_scan),
    "ISMRMRD of a volume": Reader(".mrd", partial(_raw_data, partitions=2), _all_slices),
    "MRD 2": Reader(".mrd2", _stream, read_scan),
    "MRD 2, after its schema": Reader(".body", _stream_body, _with_schema),
    "BART header": Reader(".hdr", _bart_header, read_scan),
    "BART numbers": Reader(".cfl", _bart_numbers, read_scan),
    "BART header of a volume": Reader(".hdr", _bart_volume, _all_slices),
    "HDF5, axes by numbers": Reader(".h5", _orders, read_scan),
    "MATLAB": Reader(".mat", _matlab, read_scan),
    "MATLAB, compressed": Reader(".mat", _packed_matlab, read_scan),
    "MATLAB, in HDF5": Reader(".mat", _matlab_in_hdf5, read_scan),
    "maps beside a scan": Reader(".mat", _matlab, _with_maps),
    "npz": Reader(".npz", lambda path: np.savez(path, kspace=KSPACE, mask=np.ones(6)), read_scan),
    "npz, compressed": Reader(".npz", lambda path: np.savez_compressed(path, kspace=KSPACE), read_scan),
    "npz picture": Reader(".npz", lambda path: np.savez(path, image=VOLUME, noise_std=0.1), read_picture),
    "npy": Reader(".npy", lambda path: np.save(path, VOLUME), read_image),
    "npy of training": Reader(".npy", lambda path: np.save(path, VOLUME), _trained(NpyImages)),
    "NIfTI": Reader(".nii", _nifti, read_image),
    "NIfTI, compressed": Reader(".nii.gz", _nifti, read_image),
    "NIfTI of training": Reader(".nii.gz", _nifti, _trained(NiftiImages, contrasts=())),
    "NIfTI picture": Reader(".nii", _nifti, read_picture),
    "DICOM": Reader(".dcm", _dicom, read_picture),
    "DICOM, as images to train on": Reader(
        ".dcm", _dicom, lambda path: DicomImages(path=path, val_fraction=None).read("train", strict=True)
    ),
    "DICOM, as a template": Reader(".dcm", _dicom, lambda path: Template.read(path.parent)),
    "PNG": Reader(".png", _grey, read_image),
    "TIFF": Reader(".tif", _grey, read_image),
    "JPEG": Reader(".jpg", _grey, read_image),
    "safetensors": Reader(".safetensors", _prior, load_prior),
    "safetensors of samples": Reader(".safetensors", _posterior, Posterior.load),
    "torch": Reader(".pt", _prior, load_prior),
    "YAML of training": Reader(".yaml", _text(TRAINING), read_training_config),
    "YAML of a run": Reader(".yaml", _text(RUN), _run),
    "YAML of a network": Reader(".yaml", _text(NETWORK), find_published),
}


def damaged(good: bytes, name: str, number: int) -> bytes:
    """A file with bits flipped, with numbers overwritten, cut, or with one part of it put over another."""
    draw, content = random.Random(f"{name} {number}"), bytearray(good)
    for _ in range(draw.choice((1, 1, 2, 4, 16))):
        place = draw.randrange(max(1, len(content)))
        match draw.choice(("flip", "flip", "number", "cut", "splice")):
            case "flip" if content:
                content[place] ^= 1 << draw.randrange(8)
            case "number":
                value = draw.choice((b"\0", b"\x01", b"\x7f", b"\xff", b"9", b"-")) * draw.choice((1, 2, 4, 8))
                content[place : place + len(value)] = value
            case "cut":
                del content[place : place + draw.choice((1, 4, 64, len(content)))]
            case "splice":
                start, length = draw.randrange(max(1, len(content))), draw.choice((1, 8, 32, 256))
                content[place : place + length] = content[start : start + length]
    return bytes(content)


def outcome(reader: Reader, path: Path, content: bytes) -> str:
    """Of reading a file of this content: ``"read"``, or the name of the exception and what it says."""
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            reader.read(path)
        except InputError:
            return "InputError"
        except Exception as error:  # which it is, is what is asked
            return f"{type(error).__name__}: {error}"
    return "read"


def outcomes(reader: Reader, name: str, path: Path, good: bytes, numbers: range) -> Iterator[str]:
    """Those of a child, in order; the last of them may be its end."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            used = _peak()
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_AS, (_size() + ROOM, resource.RLIM_INFINITY))
            outside = _watched(path.parent)
            for number in numbers:
                signal.setitimer(signal.ITIMER_PROF, SECONDS)  # no handler, which a loop in C would not come to
                signal.setitimer(signal.ITIMER_REAL, WAIT)
                said = outcome(reader, path, damaged(good, name, number))
                if outside:
                    said = f"outside: {outside.pop()}"
                if _peak() - used > BYTES:
                    said = f"memory: {(_peak() - used) >> 20} MiB"
                os.write(write, (" ".join(said.split())[:300] + "\n").encode(errors="replace"))
                if said.startswith("memory"):
                    break
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        yield from (line.rstrip("\n") for line in pipe)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        ended = signal.Signals(os.WTERMSIG(status))
        yield HANGS.get(ended, f"signal: {ended.name}")


def _watched(folder: Path) -> list[str]:
    """What this process, from now on, opens outside of a folder and of the libraries that are installed, or runs; as
    far as Python does it."""
    seen: list[str] = []
    allowed = tuple(f"{place}{os.sep}" for place in (folder, sys.prefix, sys.base_prefix, *filter(None, sys.path)))

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in RUNS:
            seen.append(f"{event} {arguments}")
        elif event == "open" and isinstance(arguments[0], str | bytes):
            place = os.path.abspath(os.fsdecode(arguments[0]))
            if not place.startswith(allowed):
                seen.append(f"{event} {place}")

    sys.addaudithook(hook)
    return seen


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _size() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def main(
    names: Annotated[list[str] | None, typer.Argument(metavar="READER", help="Which; all, if none is given.")] = None,
    count: Annotated[int, typer.Option(help="Damaged files for each reader.")] = 5000,
) -> None:
    """Damage, read, and print a table."""
    logging.disable()
    torch.set_num_threads(1)
    bad = False
    print("| reader | read | refused | other | seconds |\n|---|---|---|---|---|")
    for name in names or READERS:
        reader, begun, found = READERS[name], time.monotonic(), []
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"file{reader.suffix}"
            reader.fill(path)
            good = path.read_bytes()
            if (said := outcome(reader, path, good)) != "read":
                raise SystemExit(f"{name}: the good file gives {said}.")
            while len(found) < count:
                found.extend(outcomes(reader, name, path, good, range(len(found), count)))
        kinds = Counter(found)
        others = [(number, said) for number, said in enumerate(found) if said not in ("read", "InputError")]
        seconds = time.monotonic() - begun
        print(f"| {name} | {kinds['read']} | {kinds['InputError']} | {len(others)} | {seconds:.0f} |", flush=True)
        for number, said in others[:5]:
            print(f"  {name!r}, {number}: {said}", file=sys.stderr)
        bad |= bool(others)
    raise SystemExit(int(bad))


if __name__ == "__main__":
    typer.run(main)
